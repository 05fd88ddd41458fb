"""Stream time of a partition whose only source is the files (SPEC 6; D1.6)."""


class Clock:
    def __init__(self):
        self.time = None  # stream time
        self.occurred = self.appended = None

    def event(self, occurred_at, append_time, lateness):
        self.occurred = occurred_at if self.occurred is None else max(self.occurred, occurred_at)
        self.appended = append_time if self.appended is None else max(self.appended, append_time)
        self.forward(min(self.occurred, self.appended) - lateness)

    def end_of_source(self, as_of, lateness):
        self.forward(as_of - lateness)

    def forward(self, time):
        self.time = time if self.time is None else max(self.time, time)


# Order of firing at one deadline.
KINDS = {name: place for place, name in enumerate(("TALK", "CHECK", "COLD", "STUCK", "START", "RETAIN"))}
