"""Coded columns: text as numbers into the sorted words that occur, which takes a twentieth of the
memory of the text where few words occur often.

A coded column is a pandas categorical with sorted categories, so it sorts and groups as its text
does. Columns whose words hardly repeat are Arrow's dictionaries instead (`encoded`), which nobody
looks through for doubles. Importing this needs neither numpy, pandas nor pyarrow.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


def is_coded(column: "pd.Series[Any]") -> bool:
    """Whether a column is one of these, and not text."""
    import pandas as pd

    return isinstance(column.dtype, pd.CategoricalDtype)


def coded(codes: "NDArray[Any]", words: Iterable[str]) -> "pd.Series[Any]":
    """A coded column from the place of each row's word; (rows,) whole numbers, -1 for none.

    Words may be there twice, or None.
    """
    import numpy as np
    import pandas as pd

    given = list(words)
    known = sorted(set(given) - {None})
    place = {word: number for number, word in enumerate(known)}
    places = np.array([*(place.get(word, -1) for word in given), -1], np.int64)  # -1 is the last
    kind = pd.CategoricalDtype(pd.Index(known, dtype=object))
    return pd.Series(pd.Categorical.from_codes(places[codes], dtype=kind))


def recoded(column: "pd.Series[Any]", words: Iterable[str]) -> "pd.Series[Any]":
    """A column of text, or a coded one, with other words, in which all of its own are."""
    import numpy as np
    import pandas as pd

    known = pd.Index(sorted(set(words)), dtype=object)
    if is_coded(column) and known.equals(column.cat.categories):
        return column
    codes, own = codes_in(column)
    places = np.append(known.get_indexer(pd.Index(own, dtype=object)), -1)
    made = pd.Categorical.from_codes(places[codes], dtype=pd.CategoricalDtype(known))
    return pd.Series(made, index=column.index)


def codes_in(column: "pd.Series[Any]") -> "tuple[NDArray[np.int64], list[str]]":
    """(rows,) the place of each row's text among the sorted texts that occur, and these."""
    import numpy as np
    import pandas as pd

    if not is_coded(column):
        codes, words = pd.factorize(column, sort=True)
        return codes.astype(np.int64), [str(word) for word in words]
    codes = column.cat.codes.to_numpy().astype(np.int64)
    words = column.cat.categories
    used = np.bincount(codes[codes >= 0], minlength=len(words)) > 0
    places = np.append(np.cumsum(used) - 1, -1)
    return places[codes], [str(word) for word in words[used]]


def rows_in(column: "pd.Series[Any]", known: Iterable[str]) -> "NDArray[np.int64]":
    """(rows,) the place of each row's text among the known ones, -1 for one that is not there."""
    import numpy as np

    places = {name: place for place, name in enumerate(known)}
    codes, words = codes_in(column)
    return np.array([*(places.get(word, -1) for word in words), -1], np.int64)[codes]


def mapped(column: "pd.Series[Any]", found: Mapping[str, Any]) -> "pd.Series[Any]":
    """What is found for each row's text, each text looked up once; None where nothing is."""
    import numpy as np
    import pandas as pd

    codes, words = codes_in(column)
    known = np.empty(len(words) + 1, dtype=object)
    known[:-1], known[-1] = [found.get(word) for word in words], None
    return pd.Series(known[codes], index=column.index, dtype=object)


def encoded(codes: "NDArray[Any]", words: Any) -> "pd.Series[Any]":
    """Arrow's dictionary of the place of each row's word among a column of different texts."""
    import pandas as pd
    import pyarrow as pa

    made = pa.DictionaryArray.from_arrays(
        pa.array(codes).cast(pa.int32()), pa.array(words, pa.large_string())
    )
    return pd.Series(pd.arrays.ArrowExtensionArray(made))


def decoded(column: "pd.Series[Any]") -> "tuple[NDArray[np.int32], Any]":
    """The places and the words of `encoded`, or of a column of text."""
    import numpy as np
    import pyarrow as pa

    made = pa.chunked_array(pa.array(column))
    if not pa.types.is_dictionary(made.type):
        made = made.cast(pa.large_string()).dictionary_encode()
    made = made.unify_dictionaries().combine_chunks()
    if isinstance(made, pa.ChunkedArray):  # of no rows
        made = made.chunk(0) if made.num_chunks else pa.array([], made.type)
    return made.indices.to_numpy().astype(np.int32, copy=False), made.dictionary
