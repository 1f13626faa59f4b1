"""The experiments of ``classification.py``: a classifier on an encoder, in two phases, and its results."""

from functools import partial

from utilities.data.datasets import commonest_class_accuracy
from utilities.network import networks
from utilities.record import figures, pictures
from utilities.record.results import Results, format_results
from utilities.record.runs import identify
from utilities.session.experiments import Task, Trained
from utilities.terminal.console import say, terminal_width
from utilities.training import training


class ClassifierTask(Task):
    """Trains classifiers on the same LabelledImages and layers.Encoder, and measures them on the same test set."""

    script = "classification"

    def __init__(self, arguments, split, data_bytes, labelled, test, encoder):
        trained_on = {
            str(arguments.data.resolve()): identify(labelled.images),
            str(arguments.datalabels.resolve()): identify(labelled.classes[labelled.targets]),
        }
        super().__init__(arguments, split, data_bytes, trained_on)
        self.data = trained_on | {str(arguments.modelpath.resolve()): encoder.name}
        self.conditions = {"encoder": encoder.name}
        self.labelled, self.test, self.encoder = labelled, test, encoder

    def build(self, hyperparameters):
        """Return a networks.Classifier on the encoder as it was read, and no more lines about it."""
        encoder = networks.build_encoder(self.encoder)
        return networks.build_classifier(encoder, hyperparameters.units, len(self.labelled.classes)), []

    def train(self, network, hyperparameters, folder):
        """Train the networks.Classifier, and return the Trained."""
        trained = training.train_classifier(
            network, self.labelled, self.split, hyperparameters, self.arguments.seed, folder
        )
        loss, accuracy = folder.outcome["val_loss"], folder.outcome["val_accuracy"]
        baseline = commonest_class_accuracy(self.labelled.targets, self.split)
        return Trained(
            network.whole,
            f"cross-entropy {loss:.4f}, accuracy {accuracy:.2%}",
            None if baseline < accuracy or accuracy == 1 else f"naming the commonest class has {baseline:.2%}",
            trained.stopped_by,
            choices={3: ("results on the test set", lambda console: report_on_test_set(trained, self.test, folder))},
            graphs={},
        )


def report_on_test_set(trained, test, folder):
    """Print the results of both phases on the test set, and keep them, and their pictures, in a run's folder.

    Args:
        trained: training.TrainedClassifier.
        test: LabelledImages.
    """
    frozen, final = (Results(test.targets, probabilities, test.classes) for probabilities in trained.predict(test))
    begin = f"after phase 1 (encoder frozen): test loss {frozen.loss:.4f}, test accuracy {frozen.accuracy:.2%}\n"
    say(f"{begin}\n{format_results(final, terminal_width())}\n")
    folder.keep_bytes("results.txt", f"{begin}\n{format_results(final)}\n".encode())
    drawings = {
        "examples": partial(figures.draw_examples, final, test.images),
        "confusion": partial(figures.draw_confusion, final),
    }
    pictures.show(drawings, folder)
