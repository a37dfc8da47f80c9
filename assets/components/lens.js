const AIMS = "camera-on"; // an event: a camera of the page is opened, and the others go off
const RESTS = "camera-off";

// A camera's stream on a video, and the next camera where there are several.
class Lens {
  static isAllowed() {
    // over plain http there are no devices, or what Streamlit's own camera puts there instead
    return isSecureContext && Boolean(navigator.mediaDevices?.enumerateDevices);
  }

  constructor(video, changer, onEnd) {
    Object.assign(this, { video, changer, onEnd });
  }

  /** Show a camera, the rear one of what is held in a hand; false if it was closed meanwhile. */
  async open(which) {
    const isHandheld = matchMedia("(pointer: coarse)").matches;
    const usual = { facingMode: isHandheld ? "environment" : "user" };
    const asked = (this.asked = {}); // whoever closes or asks anew wants no earlier stream
    const size = { width: { ideal: 1920 }, height: { ideal: 1080 } };
    const video = { ...size, ...(which ?? usual) };
    const stream = await navigator.mediaDevices.getUserMedia({ video });
    const devices = await navigator.mediaDevices.enumerateDevices();
    if (asked !== this.asked) {
      stopTracks(stream);
      return false;
    }
    this.devices = devices.filter((device) => device.kind === "videoinput");
    this.changer.hidden = this.devices.length < 2;
    this.stream = this.video.srcObject = stream;
    stream.getTracks().forEach((track) => (track.onended = () => this.onEnd()));
    // not left to autoplay: what a browser began by itself it may pause while that is hidden
    this.video.play().catch((error) => {
      if (asked === this.asked) throw error; // else it was closed meanwhile
    });
    return true;
  }

  /** Show the camera on the other side, or the next one where they have no sides. */
  async change() {
    const { facingMode, deviceId } = this.stream.getVideoTracks()[0].getSettings();
    const place = this.devices.findIndex((device) => device.deviceId === deviceId);
    const next = this.devices[(place + 1) % this.devices.length];
    this.stop();
    if (!facingMode) return this.open({ deviceId: { exact: next.deviceId } });
    return this.open({ facingMode: facingMode === "user" ? "environment" : "user" });
  }

  stop() {
    this.asked = null;
    if (this.stream) stopTracks(this.stream);
    this.stream = this.video.srcObject = null;
  }
}

function stopTracks(stream) {
  stream.getTracks().forEach((track) => track.stop());
}
