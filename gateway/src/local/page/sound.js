import { isSeen } from "./alarms.js";
import { language, locale, t } from "./format.js";
import { gateway, sentence, zoneName } from "./gateway.js";
import { limitName } from "./limits.js";

/** Said again as long as nobody has acknowledged it. */
const repeatMs = 60_000;

const button = document.getElementById("sound");
const said = new Map();
let isOn = false;
let audio;

/** Three short tones, for browsers without a voice: a pattern, so that it is told from a phone. */
function beep() {
  audio ??= new AudioContext();
  for (const start of [0, 0.35, 0.7]) {
    const tone = audio.createOscillator();
    const loudness = audio.createGain();
    tone.frequency.value = 880;
    loudness.gain.value = 0.3;
    tone.connect(loudness).connect(audio.destination);
    tone.start(audio.currentTime + start);
    tone.stop(audio.currentTime + start + 0.2);
  }
}

function speak(text) {
  const voices = globalThis.speechSynthesis?.getVoices() ?? [];
  const voice = voices.find((one) => one.lang.replace("_", "-").startsWith(language));
  if (voice === undefined) {
    beep();
    return;
  }
  const words = new SpeechSynthesisUtterance(text);
  words.lang = locale;
  words.voice = voice;
  words.addEventListener("error", beep);
  speechSynthesis.speak(words);
}

function textOf(alarm) {
  const limit = limitName(alarm);
  return [
    t.states.critical,
    zoneName(alarm.zoneId),
    limit === "" ? "" : t.spokenLimits[limit],
    sentence(alarm.explanation),
  ]
    .filter(Boolean)
    .join(language === "zh" ? "，" : ". ");
}

/** Reads each critical alarm aloud that nobody has acknowledged; nothing while sound is off. */
export function sayAlarms() {
  const open = gateway.status.alarms.filter((alarm) => alarm.priority === "critical" && !isSeen(alarm));
  for (const alarmId of said.keys()) if (!open.some((alarm) => alarm.alarmId === alarmId)) said.delete(alarmId);
  if (!isOn) return;
  const now = performance.now();
  for (const alarm of open) {
    if (now - (said.get(alarm.alarmId) ?? -Infinity) < repeatMs) continue;
    said.set(alarm.alarmId, now);
    speak(textOf(alarm));
  }
}

function show() {
  button.textContent = isOn ? `♪ ${t.soundOn}` : t.soundOff;
  button.setAttribute("aria-pressed", String(isOn));
}

/** Browsers let a page make noise only after a touch: sound is off until somebody switches it on, at every visit. */
export function prepareSound() {
  // Asks for the voices, which some browsers load late.
  globalThis.speechSynthesis?.getVoices();
  button.addEventListener("click", () => {
    isOn = !isOn;
    said.clear();
    if (isOn) speak(t.soundTest);
    else globalThis.speechSynthesis?.cancel();
    show();
  });
  show();
}
