"""Convolutions of small feature maps with large kernels in the Fourier domain.

In the Fourier domain a convolution is one product per frequency. The transforms are products with constant matrices:
for many small maps, a processor computes those faster than fast Fourier transforms.

Source: Mathieu, Henaff and LeCun, "Fast Training of Convolutional Networks through FFTs", 2014.
"""

from math import prod

import numpy as np
from keras import ops

# Used where it needs this many times fewer products: the savings must pay for two transposes.
FEWER_PRODUCTS = 1.5
# Numbers in a matrix. The matrices are constants of the graph, which is limited to 2 GB.
LARGEST_MATRIX = 2**22


class FourierConvolution:
    """Convolves feature maps of a size with kernels of a size, padded to keep the maps' sides.

    Args:
        map_size: the maps' (rows, columns).
        kernel_size: the kernels' (rows, columns).
    """

    def __init__(self, map_size, kernel_size):
        self.map_size, self.pixels = map_size, prod(map_size)
        self.kernel_size, self.taps = kernel_size, prod(kernel_size)
        # The transform is circular: pad against wrap-around.
        sides = zip(map_size, kernel_size, strict=True)
        self.period = [max(of_map + of_kernel // 2, of_kernel) for of_map, of_kernel in sides]
        self.frequencies = self.period[0] * (self.period[1] // 2 + 1)  # of a real map; the others are their conjugates

    def is_faster(self, channels, filters, batch_size):
        """Tell whether it is faster than convolving a batch directly."""
        direct = batch_size * self.pixels * self.taps * channels * filters
        small = 2 * self.frequencies * max(self.pixels, self.taps) <= LARGEST_MATRIX
        return small and direct > FEWER_PRODUCTS * self.products(channels, filters, batch_size)

    def products(self, channels, filters, batch_size):
        """Return the number of multiplications it takes to convolve a batch."""
        of_maps = 2 * self.frequencies * (self.pixels * (channels + filters) + 2 * channels * filters)
        return batch_size * of_maps + 4 * self.frequencies * self.taps * channels * filters

    def convolve(self, features, kernel):
        """Return the convolution of feature maps, (batch, rows, columns, channels), with a kernel.

        Args:
            kernel: (rows, columns, channels, filters).
        """
        channels, filters = kernel.shape[2:]
        kernel = ops.reshape(kernel, (self.taps, -1))
        parts = [ops.reshape(part @ kernel, (self.frequencies, 2 * channels, filters)) for part in self._of_kernel()]
        # With the batch last, each step is a matrix product without further transposes.
        maps = ops.transpose(ops.reshape(features, (-1, self.pixels * channels)))
        transforms = self._of_map() @ ops.reshape(maps, (self.pixels, -1))
        transforms = ops.reshape(transforms, (self.frequencies, 2 * channels, -1))
        transforms = ops.matmul(ops.transpose(ops.concatenate(parts, 2), (0, 2, 1)), transforms)
        maps = self._to_map() @ ops.reshape(transforms, (2 * self.frequencies, -1))
        maps = ops.transpose(ops.reshape(maps, (self.pixels * filters, -1)))
        return ops.reshape(maps, (-1, *self.map_size, filters))

    def _of_map(self):
        """Return the matrix that transforms a map, (2 * frequencies, pixels): of each, a real and an imaginary row."""
        return _matrix(self._transforms(np.eye(self.pixels).reshape(-1, *self.map_size)))

    def _to_map(self):
        """Return the matrix of the inverse transform, (pixels, 2 * frequencies)."""
        parts = np.eye(2 * self.frequencies).reshape(-1, self.frequencies, 2) @ [1, 1j]
        rows, columns = self.map_size
        maps = np.fft.irfft2(parts.reshape(len(parts), self.period[0], -1), self.period)[:, :rows, :columns]
        return _matrix(maps.reshape(len(parts), -1).T)

    def _of_kernel(self):
        """Return the matrices that transform a kernel, for the real and the imaginary part of its product with a map.

        Each is (2 * frequencies, taps): the factors of the map's real and imaginary parts.
        """
        # Layers correlate: flip the kernel, and put its centre at (0, 0).
        turned = np.eye(self.taps).reshape(-1, *self.kernel_size)[:, ::-1, ::-1]
        transforms = self._transforms(turned, shift=[-(side // 2) for side in self.kernel_size])
        real, imaginary = np.split(transforms, 2, 1)
        return _matrix(np.concatenate([real, -imaginary], 1)), _matrix(np.concatenate([imaginary, real], 1))

    def _transforms(self, maps, shift=(0, 0)):
        """Return the transforms of maps, padded to the period and rolled, (frequencies, 2, maps)."""
        padding = [(0, period - side) for period, side in zip(self.period, maps.shape[1:], strict=True)]
        padded = np.roll(np.pad(maps, [(0, 0), *padding]), shift, (1, 2))
        transforms = np.fft.rfft2(padded).reshape(len(maps), -1).T
        return np.stack([transforms.real, transforms.imag], 1)


def _matrix(transforms):
    return transforms.reshape(-1, transforms.shape[-1]).astype(np.float32)
