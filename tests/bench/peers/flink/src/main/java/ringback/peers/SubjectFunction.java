package ringback.peers;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Calls and jobs: events in, news out. */
final class SubjectFunction extends KeyedProcessFunction<String, Input, News> implements Subject.Shell {
    private final Settings settings;
    private transient ValueState<Subject> state;
    private transient TimerService timers;
    private transient Collector<News> out;

    SubjectFunction(Settings settings) {
        this.settings = settings;
    }

    @Override
    public void open(OpenContext context) {
        state = getRuntimeContext().getState(new ValueStateDescriptor<>("subject", Codec.ofSubject()));
    }

    @Override
    public void processElement(Input input, Context context, Collector<News> collector) throws Exception {
        timers = context.timerService();
        out = collector;
        Subject subject = state.value();
        if (subject == null) subject = new Subject();
        if (subject.apply(input, settings, this, true)) state.update(subject);
    }

    @Override
    public void onTimer(long at, OnTimerContext context, Collector<News> collector) throws Exception {
        timers = context.timerService();
        out = collector;
        Subject subject = state.value();
        if (subject == null) return;
        String key = context.getCurrentKey();
        if (subject.wake(key.substring(key.indexOf('\t') + 2), at, this))
            state.clear();
        else
            state.update(subject);
    }

    @Override
    public void tell(News news) {
        out.collect(news);
    }

    @Override
    public void wake(long at) {
        timers.registerEventTimeTimer(at);
    }

    @Override
    public void unwake(long at) {
        timers.deleteEventTimeTimer(at);
    }
}
