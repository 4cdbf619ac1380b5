"""The range of numbers that a key of the configuration takes, as an annotation of its type.

The annotation is ours because a no-op run pays for each import: pydantic with its models costs 0.28 s of it, the
package annotated-types 0.03 s.
"""

import math
import struct
from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Range:
    """Finite numbers with any of four ends: at least, greater than, at most, below.

    >>> Range(above=0, most=1).fault(0)
    'must be greater than 0 and at most 1'
    >>> Range(above=0).fault(1e-50)
    'must be greater than 0; float32 makes it 0.0'
    """

    least: float | None = None
    above: float | None = None
    most: float | None = None
    below: float | None = None

    def fault(self, value: float) -> str | None:
        """What is wrong with a number, in words; None where it is in the range.

        Infinity and NaN never are. A float must be so in float32 too, and an integer in 64 bits, which is what is
        computed with.
        """
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return f"must be {self}, in 64 bits"
        rounded = _float32(value) if isinstance(value, float) else value
        if not self._holds(value):
            return f"must be {self}"
        return None if self._holds(rounded) else f"must be {self}; float32 makes it {rounded}"

    def _holds(self, value: float) -> bool:
        return (
            (isinstance(value, int) or math.isfinite(value))
            and (self.least is None or value >= self.least)
            and (self.above is None or value > self.above)
            and (self.most is None or value <= self.most)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        ends = (
            ("at least", self.least),
            ("greater than", self.above),
            ("at most", self.most),
            ("below", self.below),
        )
        return " and ".join(f"{name} {end}" for name, end in ends if end is not None)


def _float32(value: float) -> float:
    """The float32 that is nearest to a number; infinity where that is too large."""
    try:
        (rounded,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:
        return math.copysign(math.inf, value)
    return float(rounded)


Count = Annotated[int, Range(least=1)]
Whole = Annotated[int, Range(least=0)]
# what TensorFlow is given as int32
Count32 = Annotated[int, Range(least=1, most=2**31 - 1)]
Whole32 = Annotated[int, Range(least=0, most=2**31 - 1)]
NotNegative = Annotated[float, Range(least=0)]
Positive = Annotated[float, Range(above=0)]
Fraction = Annotated[float, Range(least=0, below=1)]
PositiveFraction = Annotated[float, Range(above=0, most=1)]
Confidence = Annotated[float, Range(least=0.5, below=1)]
