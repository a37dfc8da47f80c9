"""Notes a camera's tracks in a page, for the tests to look at."""

WATCH = """
window.tracks = [];
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wish) => {
  const stream = await ask(wish);
  window.tracks.push(...stream.getTracks());
  return stream;
};
"""
ARE_OFF = "window.tracks.length && window.tracks.every((track) => track.readyState === 'ended')"
