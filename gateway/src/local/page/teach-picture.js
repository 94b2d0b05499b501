import { make } from "./elements.js";
import { language } from "./format.js";
import { teachTexts } from "./teach-texts.js";

const t = teachTexts[language];
const clamp = (value) => Math.max(0, Math.min(1, value));
const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function place(element, { left, top, right, bottom }) {
  element.style.left = `${left * 100}%`;
  element.style.top = `${top * 100}%`;
  element.style.width = `${(right - left) * 100}%`;
  element.style.height = `${(bottom - top) * 100}%`;
}

/**
 * A picture in which one frame is chosen: by touching an offered one, by dragging, or with the arrow keys.
 * `onChoose` is called with the region, or undefined.
 */
export function choosingPicture({ address, alt, offered, onChoose }) {
  const image = make("img", "");
  image.src = address;
  image.alt = alt;
  image.draggable = false;
  const box = make("div", "picture", image);
  let own;
  const choose = (region, button) => {
    for (const other of box.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
    onChoose(region);
  };
  const drawOwn = (region) => {
    if (own === undefined) {
      own = make("button", "own");
      own.type = "button";
      own.setAttribute("aria-label", t.hint);
      own.addEventListener("keydown", (event) => {
        const step = steps[event.key];
        if (step === undefined) return;
        event.preventDefault();
        const [x, y] = step.map((value) => value * 0.01);
        const { left, top, right, bottom } = own.region;
        const moved = event.shiftKey
          ? {
              left,
              top,
              right: clamp(Math.max(left + 0.02, right + x)),
              bottom: clamp(Math.max(top + 0.02, bottom + y)),
            }
          : { left: clamp(left + x), top: clamp(top + y), right: clamp(right + x), bottom: clamp(bottom + y) };
        drawOwn(moved);
      });
      box.append(own);
    }
    own.region = region;
    place(own, region);
    choose(region, own);
  };
  const offer = (regions) => {
    for (const { label, region } of regions) {
      const button = make("button", "");
      button.type = "button";
      button.setAttribute("aria-label", label);
      button.setAttribute("aria-pressed", "false");
      place(button, region);
      button.addEventListener("click", () => choose(region, button));
      // A person's box can be taken and altered with the keys.
      button.addEventListener("keydown", (event) => {
        if (steps[event.key] === undefined) return;
        event.preventDefault();
        drawOwn(region);
        own.focus();
      });
      box.append(button);
    }
  };
  offer(offered);
  const at = ({ clientX, clientY }) => {
    const { left, top, width, height } = box.getBoundingClientRect();
    return [clamp((clientX - left) / width), clamp((clientY - top) / height)];
  };
  let from;
  let dragged = false;
  box.addEventListener("pointerdown", (event) => {
    from = at(event);
    dragged = false;
  });
  box.addEventListener("pointermove", (event) => {
    if (from === undefined || event.buttons === 0) return;
    const to = at(event);
    if (!dragged && Math.hypot(to[0] - from[0], to[1] - from[1]) < 0.015) return;
    if (!dragged) box.setPointerCapture(event.pointerId);
    dragged = true;
    const [left, right] = [from[0], to[0]].toSorted((a, b) => a - b);
    const [top, bottom] = [from[1], to[1]].toSorted((a, b) => a - b);
    if (right - left > 0.005 && bottom - top > 0.005) drawOwn({ left, top, right, bottom });
  });
  box.addEventListener("pointerup", () => {
    from = undefined;
  });
  // The end of a drag over an offered frame is no choice of that frame.
  box.addEventListener(
    "click",
    (event) => {
      if (!dragged) return;
      dragged = false;
      event.stopPropagation();
      event.preventDefault();
    },
    true,
  );
  return { box, offer };
}
