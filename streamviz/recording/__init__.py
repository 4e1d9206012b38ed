"""Samples to a file of JSON Lines, and back.

`streamviz.recording.encode` says what is in a line. pandas reads a recording with one call; a
number that is missing has not changed::

    looks = pandas.read_json("run.jsonl", lines=True).query("n.notna()")
    looks.length.ffill()
    pandas.json_normalize(list(looks.groups.dropna()))
"""

from streamviz.recording.read import Recording, load
from streamviz.recording.track import Track
from streamviz.recording.write import Caption, Recorder, captions_of, record, save

__all__ = ["Caption", "Recorder", "Recording", "Track", "captions_of", "load", "record", "save"]
