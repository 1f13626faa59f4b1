"""Run a script with a clock on the stages of its work, and write the seconds of each to a file, as JSON.

stages.py FILE BEGUN SCRIPT [ARGUMENT ...]     BEGUN: when the process was started, in seconds since 1970

Seconds are the main thread's; those of a stage leave out the stages within it. What other threads do beside it costs
only what it waits for them.
"""

import importlib
import json
import sys
import time
from collections import Counter
from pathlib import Path

IMPORTS, DATA, BUILD, FIRST_STEPS, TRAINING, VALIDATION, PREDICTION, PICTURES, FILES, REST = STAGES = (
    "imports",
    "reading data",
    "building",
    "first steps",
    "training",
    "validation",
    "prediction",
    "pictures",
    "files",
    "rest",
)
# {module: {function or Class.method: stage}}
OF_OURS = {
    "utilities.data.datasets": {"read_images": DATA, "read_training_set": DATA, "read_test_set": DATA},
    "utilities.network.encoder_reader": {"read_encoder": DATA},
}
IMPORTED_IN_BACKGROUND = {
    "utilities.network.networks": {"build_autoencoder": BUILD, "build_classifier": BUILD, "describe": BUILD},
    "utilities.training.on_tensorflow": {"network_of": BUILD},
    "utilities.record.pictures": {"keep": PICTURES, "show": PICTURES},
    "utilities.record.runs": {"RunFolder.keep": FILES},
}
OF_OTHERS = {"read_data": DATA, "encode": BUILD, "decode": BUILD, "test": PREDICTION}
OF_PYTORCH = OF_OTHERS | {"train_epoch": TRAINING, "validate": VALIDATION}
OF_KERAS = {"Model.compile": BUILD, "Model.fit": TRAINING, "Model.evaluate": VALIDATION, "Model.predict": PREDICTION}
# What Keras makes of a step to compute it with; the first call traces and optimises it.
STEPS = ("train_function", "test_function", "predict_function")


class Clock:
    """Counts the seconds of nested stages, each without those within it.

    Attributes:
        seconds: {stage: seconds}.
    """

    def __init__(self, begun):
        self.seconds = Counter()
        self.stages = [IMPORTS]
        self.since = begun

    def count(self):
        """Count the seconds since the last count towards the stage under way."""
        now = time.time()
        self.seconds[self.stages[-1]] += now - self.since
        self.since = now

    def timed(self, stage, function):
        """Return a function as a stage of its own."""

        def call(*arguments, **options):
            self.count()
            self.stages.append(stage)
            try:
                return function(*arguments, **options)
            finally:
                self.count()
                self.stages.pop()

        return call

    def put_on(self, module, stages):
        """Put functions of a module, {function or Class.method: stage}, on the clock."""
        for name, stage in stages.items():
            *classes, function = name.split(".")
            owner = getattr(module, *classes) if classes else module
            setattr(owner, function, self.timed(stage, getattr(owner, function)))

    def put_on_first_steps(self, model):
        """Put the first call of each step that Keras makes for a model class on the clock."""
        for step in STEPS:
            setattr(model, f"make_{step}", self._first_timed(step, getattr(model, f"make_{step}")))

    def _first_timed(self, step, make):
        def make_timed(model, force=False):
            before = getattr(model, step)
            make(model, force)
            made = getattr(model, step)
            if made is not before:
                calls = iter([self.timed(FIRST_STEPS, made)])
                setattr(model, step, lambda data: next(calls, made)(data))

        return make_timed


def main():
    """Run the script."""
    path, begun, script, *arguments = sys.argv[1:]
    clock, script = Clock(float(begun)), Path(script)
    sys.path.insert(0, str(script.parent))
    sys.argv = [str(script), *arguments]
    module = importlib.import_module(script.stem)

    def write():
        clock.count()
        Path(path).write_text(json.dumps(clock.seconds))

    if hasattr(module, "program"):
        run_ours(module, clock, write)
    else:
        run_other(module, clock)
        write()


def run_ours(module, clock, write):
    """Run a script of this project, which imports the libraries, and what needs them, in the background."""
    program = module.program
    import_in_background, end = program.import_in_background, program.end

    def import_on_clock(name):
        future = import_in_background(name)
        result = clock.timed(IMPORTS, future.result)

        def result_on_clock():
            imported = result()
            for name, stages in IMPORTED_IN_BACKGROUND.items():
                clock.put_on(sys.modules[name], stages)
            put_on_keras(clock)
            return imported

        future.result = result_on_clock
        return future

    def end_on_clock(*arguments):
        write()
        end(*arguments)

    program.import_in_background, program.end = import_on_clock, end_on_clock
    for name, stages in OF_OURS.items():
        clock.put_on(importlib.import_module(name), stages)
    program.run(clock.timed(REST, module.main))


def run_other(module, clock):
    """Run a contestant."""
    if hasattr(module, "keras"):
        clock.put_on(module, OF_OTHERS)
        put_on_keras(clock)
    else:
        clock.put_on(module, OF_PYTORCH)
    clock.timed(REST, module.main)()


def put_on_keras(clock):
    """Put what Keras does with a model on the clock."""
    keras = sys.modules["keras"]
    clock.put_on(keras, OF_KERAS)
    clock.put_on_first_steps(keras.Model)


if __name__ == "__main__":
    main()
