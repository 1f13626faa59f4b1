"""The experiments of ``classification.py``: a classifier on an encoder, in two phases, and its results."""

import hashlib
from dataclasses import asdict
from functools import cache, cached_property, partial

import numpy as np

from utilities.data.checksum import identify
from utilities.data.datasets import few_of, split_for_validation
from utilities.data.forms import form_like
from utilities.data.names import read_files
from utilities.errors import BadInput
from utilities.files import as_csv
from utilities.network import networks
from utilities.network.encoder_reader import DIGITS
from utilities.network.saving import save_model
from utilities.processes import several_processes
from utilities.record import image_figures, pictures
from utilities.record.confusion_matrix import draw_confusion
from utilities.record.predictions import (
    filled,
    format_table,
    mistakes_table,
    predictions_table,
    short_path,
    shown_predictions,
)
from utilities.record.results import Results, format_results
from utilities.session.experiments import Task, Trained, nothing_learnt
from utilities.session.other_images import ask_for_images, keep_and_show, say_notes
from utilities.session.reading import read_for_classification
from utilities.terminal.console import say, terminal_width
from utilities.training import training
from utilities.training.callbacks import arrays_of, named_arrays
from utilities.training.phases import EVERYTHING, FROZEN

PICTURED = 12
FEW_HELD_OUT = 200  # of fewer images, one more or less taken rightly is half a per cent or more
PHASES = {FROZEN.name: 1, EVERYTHING.name: 2}
TRAINED = {FROZEN.name: "encoder frozen", EVERYTHING.name: "everything trained"}


read = read_for_classification


def tasks_of(training, test, encoders, data_bytes):
    """Return a function that makes the ClassifierTask of arguments, all on the same LabelledImages.

    Args:
        encoders: {path: layers.Encoder}.
    """
    measured = _identify("data", training) | _identify("test", test)

    def make_task(arguments):
        labelled = few_of(training, arguments.labels, arguments.seed)
        data = measured | (_identify("data", labelled) if arguments.labels else {})
        split = split_for_validation(len(labelled.images), arguments.seed, labelled.targets)
        return ClassifierTask(arguments, split, data_bytes, data, labelled, test, encoders[arguments.modelpath])

    return make_task


def _identify(name, labelled):
    """Return what tells LabelledImages from others, {name of the argument: text}."""
    return {name: identify(labelled.images), f"{name}labels": identify(labelled.classes[labelled.targets])}


class ClassifierTask(Task):
    """Trains classifiers on the same LabelledImages and layers.Encoder, and measures them on the same test set."""

    script = "classification"
    kinds_of_weights = ("earlier", "weight")

    def __init__(self, arguments, split, data_bytes, data, labelled, test, encoder):
        name = f"random, as {encoder.name}" if arguments.untrained else encoder.name
        digest = encoder.name.rpartition(" ")[2]
        super().__init__(
            arguments, split, data_bytes, data | {"modelpath": f"{digest}{', untrained' * bool(arguments.untrained)}"}
        )
        self.conditions = {"encoder": name} | ({"labels": arguments.labels} if arguments.labels else {})
        self.labelled, self.test, self.encoder = labelled, test, encoder
        self.form = form_like(labelled.images, arguments.data)
        named = zip(labelled.classes.tolist(), labelled.names, strict=True)
        self.about = {"classes": [{"label": label, "name": name} for label, name in named], "form": asdict(self.form)}

    @cached_property
    def copied(self):
        """The encoder's file, which each run keeps: autoencoder.py may save another in its place."""
        path = self.arguments.modelpath
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BadInput(f"{path}: cannot be read any more: {error.strerror}") from error
        if not self.encoder.name.endswith(hashlib.sha256(content).hexdigest()[:DIGITS]):
            raise BadInput(f"{path}: changed since this session began")
        return {"modelpath": content}

    @cached_property
    def files(self):
        """The files that the test images were made of, where they are known."""
        return read_files(self.arguments.test, len(self.test.images))

    def build(self, hyperparameters):
        """Return a networks.Classifier on the encoder as it was read, or on its layers alone, and no lines about it."""
        encoder = networks.build_encoder(self.encoder, is_trained=not self.arguments.untrained)
        return networks.build_classifier(encoder, hyperparameters.units, len(self.labelled.classes)), []

    def train(self, network, hyperparameters, folder, begin):
        """Train the networks.Classifier; return its weights and those after each phase, and what stopped it.

        From the weights of an earlier training it is trained as in phase 2.
        """
        earlier, seed = arrays_of(begin, "earlier"), self.arguments.seed
        ends, stopped_by = training.train_classifier(
            network, self.labelled, self.split, hyperparameters, seed, folder, earlier
        )
        kept = folder.outcome["phase"]
        for phase in ends.keys() - {kept}:
            self._keep_other_phase(network, ends[phase], f"classifier-phase-{PHASES[phase]}.h5", folder)
        weights = named_arrays("weight", ends[kept]) | named_arrays("earlier", ends[FROZEN.name])
        if kept == FROZEN.name:
            weights |= named_arrays("later", ends.get(EVERYTHING.name, ()))
        return weights, stopped_by

    @staticmethod
    def _keep_other_phase(network, weights, name, folder):
        """Keep a network with the weights of the phase that is not the result."""

        def write(path):
            with networks.with_weights(network.whole, weights):
                save_model(network.whole, path)

        if not several_processes():
            folder.keep(name, write)
            return
        with networks.with_weights(network.whole, weights):  # all processes of a job set them
            folder.keep(name, partial(save_model, network.whole))
        folder.forget(name)

    def present(self, network, weights, folder):
        """Return the Trained of a networks.Classifier."""
        loss, accuracy = folder.outcome["val_loss"], folder.outcome["val_accuracy"]
        targets = self.labelled.targets
        commonest = np.bincount(targets[self.split.training]).argmax()
        baseline = np.mean(targets[self.split.validation] == commonest)
        learnt = baseline < accuracy or accuracy == 1
        measure = cache(partial(_measure, network.whole, _ends(weights, folder), self.test, folder))
        return Trained(
            (network.whole,),
            weights,
            f"cross-entropy {loss:.4f}, accuracy {accuracy:.2%}",
            (
                *_compare_phases(folder, len(self.split.validation)),
                *([] if learnt else [nothing_learnt(f"naming the commonest class has {baseline:.2%}")]),
            ),
            choices={
                3: ("results on the test set", lambda console: _report(measure, self.test, folder)),
                4: ("classify other images", partial(self._classify, network.whole, folder)),
                5: ("the mistakes on the test set", lambda console: self._show_mistakes(measure, folder)),
            },
            graphs={},
        )

    def _classify(self, network, folder, console):
        """Ask for images, and print, draw and keep what the network makes of each."""
        predict, first, others, probabilities = training.Predictor(network), [], [], []
        for some, images in ask_for_images(console, self.form, self.labelled.images):
            others += some
            probabilities.append(predict(images))
            first += [image.copy() for image in images[: max(0, PICTURED - len(first))]]
        if not others:
            return
        rows = predictions_table(others, np.concatenate(probabilities), self.labelled.classes, self.labelled.names)
        say(f"\n{format_table(shown_predictions(rows))}\n")
        say_notes(others)
        captions = [
            f"{short_path(other.file or other.name)}\n{image_figures.as_caption(name, float(probability))}"
            for other, (_, _, name, probability, *_) in zip(others[:PICTURED], rows[1:], strict=False)
        ]
        title = "what the classifier takes them for"
        draw = partial(image_figures.draw_captioned, first, captions, title)
        keep_and_show(folder, "predictions", rows, draw)

    def _show_mistakes(self, measure, folder):
        """Print, keep and draw the test images that were classified wrongly, the most confident first."""
        final = measure()[folder.outcome["phase"]]
        rows = mistakes_table(final, self.files)
        if len(rows) == 1:
            say("there are none: all test images are classified rightly")
            return
        say(f"{len(rows) - 1:,} of {len(final.targets):,} images, the most confident first\n")
        say(f"{format_table(rows)}\n")
        if path := folder.keep_bytes("mistakes.csv", as_csv(filled(rows))):
            say(f"all of them: {path}")
        pictured = rows[1 : 1 + 2 * PICTURED]
        captions = [image_figures.as_caption(taken, float(share), true) for _, true, taken, share, _ in pictured]
        images = self.test.images[[index for index, *_ in pictured]]
        pictures.show(
            {"mistakes": partial(image_figures.draw_captioned, images, captions, "the most confident mistakes")}, folder
        )


def _compare_phases(folder, held_out):
    """Yield a line on what each phase ended with, the kept one first, where there were two."""
    last = {row["phase"]: row for row in folder.history}
    if len(last) < len(PHASES):
        return
    kept = folder.outcome["phase"]
    (other,) = last.keys() - {kept}
    loss, accuracy = ([last[phase][name] for phase in (kept, other)] for name in ("val_loss", "val_accuracy"))
    told = f"phase {PHASES[kept]} is kept: validation loss {loss[0]:.4f}, accuracy {accuracy[0]:.2%}; "
    told += f"phase {PHASES[other]}: {loss[1]:.4f}, {accuracy[1]:.2%}"
    yield told + (f"; only {held_out} images are held out" if held_out < FEW_HELD_OUT else "")


def _ends(weights, folder):
    """Return {name of a phase: the classifier's weights after it}, of those that a run keeps.

    Raises:
        BadInput: those after phase 2, which are kept apart where phase 1 is the result, are not there, or of another
            network.
    """
    ends = {FROZEN.name: arrays_of(weights, "earlier")}
    if folder.history[-1]["phase"] == EVERYTHING.name:
        ends[EVERYTHING.name] = arrays_of(weights, "later" if folder.outcome["phase"] == FROZEN.name else "weight")
    shapes = [[(array.shape, array.dtype) for array in arrays] for arrays in ends.values()]
    if shapes[0] != shapes[-1]:
        raise BadInput(f"{folder.path}: cannot be opened: damaged, or of another version")
    return ends


def _measure(network, ends, test, folder):
    """Return a classifier's Results on LabelledImages after each phase, {name: Results}; note them in the run's folder.

    Args:
        ends: {name of a phase: the weights after it}.
    """
    predict, results = training.Predictor(network), {}
    for phase, weights in ends.items():
        with networks.with_weights(network, weights):
            results[phase] = Results(test.targets, predict(test.images), test.classes, test.names)
    numbers = {phase: {"loss": float(each.loss), "accuracy": float(each.accuracy)} for phase, each in results.items()}
    after = {f"after_phase_{PHASES[phase]}": of_phase for phase, of_phase in numbers.items()}
    folder.keep_summary({"test": numbers[folder.outcome["phase"]] | after})
    return results


def _report(measure, test, folder):
    """Print the results on the test set of each phase, and all of the kept one's; keep them in a run's folder."""
    results, kept = measure(), folder.outcome["phase"]
    lines = [
        f"after phase {PHASES[phase]} ({TRAINED[phase]}): test loss {each.loss:.4f}, test accuracy {each.accuracy:.2%}"
        for phase, each in results.items()
    ]
    begin, final = "\n".join([*lines, f"phase {PHASES[kept]} is kept: all that follows is of it"]), results[kept]
    say(f"{begin}\n\n{format_results(final, terminal_width())}\n")
    folder.keep_bytes("results.txt", f"{begin}\n\n{format_results(final)}\n".encode())
    drawings = {
        "examples": partial(image_figures.draw_examples, final, test.images),
        "confusion": partial(draw_confusion, final),
    }
    pictures.show(drawings, folder)
