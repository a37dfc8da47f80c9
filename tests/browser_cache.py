"""What a browser keeps of large messages, by the rule of Streamlit's frontend."""

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

MAX_AGE = 2  # runs that may end before what was not used is dropped


class BrowserCache:
    """The kept messages, by their hashes."""

    def __init__(self) -> None:
        self.kept: dict[str, ForwardMsg] = {}
        self._used: dict[str, int] = {}
        self._runs = 0

    def take(self, message: ForwardMsg) -> ForwardMsg:
        """Take the next message in: itself, or the kept one that it refers to.

        Raises:
            KeyError: The server refers to what is no longer kept; a browser's tab ends with that.
        """
        if message.metadata.cacheable:
            self.kept.setdefault(message.hash, message)
        key = message.ref_hash or message.hash
        found = self.kept[key] if message.ref_hash else message
        if key in self.kept:
            self._used[key] = self._runs
        if message.WhichOneof("type") == "script_finished":
            self._end_run(message)
        return found

    def _end_run(self, message: ForwardMsg) -> None:
        if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return
        self._runs += 1
        drawn = message.metadata.run.fragment_ids
        for key, kept in list(self.kept.items()):
            is_asked = not drawn or kept.delta.fragment_id in drawn
            if is_asked and self._runs - self._used[key] > MAX_AGE:
                del self.kept[key]
