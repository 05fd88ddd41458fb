/* Two threads and a number that nobody guards: what the sanitizer must see, or its silence on the program says nothing. */
#include <pthread.h>
#include <stdio.h>

static int number;

static void *count(void *context) {
    (void)context;
    number++;
    return NULL;
}

int main(void) {
    pthread_t other;
    if (pthread_create(&other, NULL, count, NULL) != 0) return 1;
    count(NULL);
    pthread_join(other, NULL);
    printf("%d\n", number);
    return 0;
}
