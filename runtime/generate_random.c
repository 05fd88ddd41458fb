/*
 * Random numbers that are the same everywhere: xoshiro256** (Blackman and Vigna), its state filled by splitmix64, and distributions
 * computed in fixed point, because libm's last digit differs between hosts and one digit changes everything that follows.
 * For the same reason no expression draws twice: C leaves the order of operands, arguments and initialisers to the compiler.
 */
#include "generate_parts.h"

static uint64_t rotate_left(uint64_t value, int bits) { return value << bits | value >> (64 - bits); }

void random_seed(struct random *random, uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t mixed = seed;
        mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
        random->state[i] = mixed ^ mixed >> 31;
    }
}

uint64_t random_next(struct random *random) {
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9, shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint32_t random_below(struct random *random, uint32_t bound) { return (uint32_t)((random_next(random) >> 32) * bound >> 32); }

int64_t random_between(struct random *random, int64_t least, int64_t most) {
    return least + random_below(random, (uint32_t)(most - least + 1));
}

bool random_percent(struct random *random, uint32_t percent) { return random_below(random, 100) < percent; }

bool random_per_mille(struct random *random, uint32_t per_mille) { return random_below(random, 1000) < per_mille; }

uint32_t random_weighted(struct random *random, const uint16_t *weights, uint32_t count) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += weights[i];
    uint32_t drawn = random_below(random, sum), place = 0;
    while (drawn >= weights[place]) drawn -= weights[place++];
    return place;
}

/* log2 of a number from 1 to 2^32, in 1/65,536: each squaring of the mantissa gives one more bit. */
static uint32_t log2_fixed(uint64_t number) {
    int whole = 63 - __builtin_clzll(number);
    uint64_t mantissa = number << (63 - whole) >> 32; /* 1 to 2, in 1/2^31 */
    uint32_t result = (uint32_t)whole;
    for (int bit = 0; bit < 16; bit++) {
        mantissa = mantissa * mantissa >> 31;
        uint32_t set = (uint32_t)(mantissa >> 32);
        result = result << 1 | set;
        mantissa >>= set;
    }
    return result;
}

int64_t random_exponential(struct random *random, int64_t mean) {
    uint64_t uniform = (random_next(random) >> 32) + 1;
    int64_t doublings = ((int64_t)32 << 16) - log2_fixed(uniform);
    int64_t minus_ln = doublings * 45426 >> 16; /* ln 2 in 1/65,536 */
    return mean * minus_ln >> 16;
}

/* number x 2^(exponent / 65,536), number below 2^31. */
static int64_t scale_by_power(int64_t number, int64_t exponent) {
    /* 2^(1/2), 2^(1/4), ... in 1/2^30 */
    static const uint32_t roots[16] = {1518500250, 1276901417, 1170923762, 1121280436, 1097253708, 1085434106, 1079572136, 1076653033,
                                       1075196443, 1074468888, 1074105294, 1073923544, 1073832680, 1073787251, 1073764537, 1073753181};
    uint64_t factor = UINT64_C(1) << 30;
    for (int bit = 0; bit < 16; bit++)
        if (exponent & (INT64_C(1) << (15 - bit))) factor = factor * roots[bit] >> 30;
    int64_t whole = exponent >> 16, scaled = (int64_t)((uint64_t)number * factor >> 30);
    return whole >= 0 ? scaled << (whole < 24 ? whole : 24) : scaled >> (whole > -62 ? -whole : 62);
}

int64_t random_lognormal(struct random *random, int64_t median, int32_t spread) {
    int64_t sum = 0; /* of twelve uniforms: variance 1, mean 6 */
    for (int draw = 0; draw < 3; draw++)
        for (uint64_t bits = random_next(random), part = 0; part < 4; part++) sum += (int64_t)(bits >> (16 * part) & 0xffff);
    int64_t deviations = sum - 6 * 65536 + 6; /* each uniform's mean is half of 65,535 */
    return scale_by_power(median, deviations * spread / 256);
}
