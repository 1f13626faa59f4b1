"""The experiments of ``classification.py``: a classifier on an encoder, in two phases, and its results."""

import hashlib
from dataclasses import asdict
from functools import cache, cached_property, partial

import numpy as np

from utilities.data.checksum import identify
from utilities.data.forms import form_like
from utilities.errors import BadInput
from utilities.files import as_csv
from utilities.network import networks
from utilities.network.encoder_reader import DIGITS
from utilities.record import image_figures, pictures
from utilities.record.confusion_matrix import draw_confusion
from utilities.record.predictions import format_table, mistakes_table, predictions_table, shown_predictions
from utilities.record.results import Results, format_results
from utilities.session.experiments import Task, Trained
from utilities.session.other_images import ask_for_images, keep_and_show
from utilities.terminal.console import say, terminal_width
from utilities.training import training
from utilities.training.callbacks import arrays_of, named_arrays

PICTURED = 12


class ClassifierTask(Task):
    """Trains classifiers on the same LabelledImages and layers.Encoder, and measures them on the same test set."""

    script = "classification"
    kinds_of_weights = ("earlier", "weight")

    def __init__(self, arguments, split, data_bytes, labelled, test, encoder):
        trained_on = {
            str(arguments.data.resolve()): identify(labelled.images),
            str(arguments.datalabels.resolve()): identify(labelled.classes[labelled.targets]),
        }
        super().__init__(arguments, split, data_bytes, trained_on)
        self.data = trained_on | {str(arguments.modelpath.resolve()): encoder.name}
        self.conditions = {"encoder": encoder.name}
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

    def build(self, hyperparameters):
        """Return a networks.Classifier on the encoder as it was read, and no more lines about it."""
        encoder = networks.build_encoder(self.encoder)
        return networks.build_classifier(encoder, hyperparameters.units, len(self.labelled.classes)), []

    def train(self, network, hyperparameters, folder, begin):
        """Train the networks.Classifier; return its weights and those after phase 1, and what stopped it.

        From the weights of an earlier training it is trained as in phase 2.
        """
        earlier, seed = arrays_of(begin, "earlier"), self.arguments.seed
        after_phase_1, stopped_by = training.train_classifier(
            network, self.labelled, self.split, hyperparameters, seed, folder, earlier
        )
        weights = named_arrays("weight", network.whole.get_weights())
        return weights | named_arrays("earlier", after_phase_1), stopped_by

    def present(self, network, weights, folder):
        """Return the Trained of a networks.Classifier."""
        loss, accuracy = folder.outcome["val_loss"], folder.outcome["val_accuracy"]
        targets = self.labelled.targets
        commonest = np.bincount(targets[self.split.training]).argmax()
        baseline = np.mean(targets[self.split.validation] == commonest)
        measure = cache(partial(_measure, network.whole, arrays_of(weights, "earlier"), self.test, folder))
        return Trained(
            (network.whole,),
            weights,
            f"cross-entropy {loss:.4f}, accuracy {accuracy:.2%}",
            None if baseline < accuracy or accuracy == 1 else f"naming the commonest class has {baseline:.2%}",
            choices={
                3: ("results on the test set", lambda console: _report(measure, self.test, folder)),
                4: ("classify other images", partial(self._classify, network.whole, folder)),
                5: ("the mistakes on the test set", lambda console: _show_mistakes(measure, self.test, folder)),
            },
            graphs={},
        )

    def _classify(self, network, folder, console):
        """Ask for images, and print, draw and keep what the network makes of each."""
        predict, first, names, probabilities = training.Predictor(network), [], [], []
        for some, images in ask_for_images(console, self.form):
            names += some
            probabilities.append(predict(images))
            first += [image.copy() for image in images[: max(0, PICTURED - len(first))]]
        if not names:
            return
        rows = predictions_table(names, np.concatenate(probabilities), self.labelled.classes, self.labelled.names)
        say(f"\n{format_table(shown_predictions(rows))}\n")
        captions = [f"{name} ({float(probability):.0%})" for _, _, name, probability, *_ in rows[1 : 1 + PICTURED]]
        title = "what the classifier takes them for"
        draw = partial(image_figures.draw_captioned, first, captions, title)
        keep_and_show(folder, "predictions", rows, draw)


def _measure(network, weights_after_phase_1, test, folder):
    """Return a classifier's Results on LabelledImages after phase 1, and as it is; note them in the run's folder."""
    probabilities = training.predict_after_both_phases(network, weights_after_phase_1, test.images)
    frozen, final = (Results(test.targets, found, test.classes, test.names) for found in probabilities)
    numbers = [{"loss": float(each.loss), "accuracy": float(each.accuracy)} for each in (frozen, final)]
    folder.keep_summary({"test": numbers[1] | {"after_phase_1": numbers[0]}})
    return frozen, final


def _report(measure, test, folder):
    """Print the results of both phases on the test set, and keep them, and their pictures, in a run's folder."""
    frozen, final = measure()
    begin = f"after phase 1 (encoder frozen): test loss {frozen.loss:.4f}, test accuracy {frozen.accuracy:.2%}\n"
    say(f"{begin}\n{format_results(final, terminal_width())}\n")
    folder.keep_bytes("results.txt", f"{begin}\n{format_results(final)}\n".encode())
    drawings = {
        "examples": partial(image_figures.draw_examples, final, test.images),
        "confusion": partial(draw_confusion, final),
    }
    pictures.show(drawings, folder)


def _show_mistakes(measure, test, folder):
    """Print, keep and draw the test images that were classified wrongly, the most confident first."""
    _, final = measure()
    rows = mistakes_table(final)
    if len(rows) == 1:
        say("there are none: all test images are classified rightly")
        return
    say(f"{len(rows) - 1:,} of {len(final.targets):,} images, the most confident first\n")
    say(f"{format_table(rows)}\n")
    if path := folder.keep_bytes("mistakes.csv", as_csv(rows)):
        say(f"all of them: {path}")
    pictured = rows[1 : 1 + 2 * PICTURED]
    captions = [f"{predicted} ({float(probability):.0%})\nis {true}" for _, true, predicted, probability in pictured]
    images = test.images[[index for index, *_ in pictured]]
    pictures.show(
        {"mistakes": partial(image_figures.draw_captioned, images, captions, "the most confident mistakes")}, folder
    )
