package ringback.peers;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Callers: news in, rows out, as key and value. News of one caller comes from several subtasks: it waits for the watermark to pass it. */
final class PartyFunction extends KeyedProcessFunction<String, News, Tuple2<byte[], byte[]>> implements Party.Shell {
    private transient ValueState<Party> state;
    private transient TimerService timers;
    private transient Collector<Tuple2<byte[], byte[]>> out;
    private transient RowWriter writer;

    @Override
    public void open(OpenContext context) {
        state = getRuntimeContext().getState(new ValueStateDescriptor<>("party", Codec.ofParty()));
        writer = new RowWriter();
    }

    @Override
    public void processElement(News news, Context context, Collector<Tuple2<byte[], byte[]>> collector) throws Exception {
        timers = context.timerService();
        Party party = state.value();
        if (party == null) party = new Party();
        party.await(news, this);
        state.update(party);
    }

    @Override
    public void onTimer(long at, OnTimerContext context, Collector<Tuple2<byte[], byte[]>> collector) throws Exception {
        timers = context.timerService();
        out = collector;
        Party party = state.value();
        party.advance(context.getCurrentKey(), at, this);
        state.update(party);
    }

    @Override
    public void emit(RowChanged row) {
        out.collect(Tuple2.of(writer.key(row), writer.value(row)));
    }

    @Override
    public void wake(long at) {
        timers.registerEventTimeTimer(at);
    }
}
