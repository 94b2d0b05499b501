/** Where a picture lies inside a network's input: `input = picture * scale + offset`, in pixels. */
export interface Placement {
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly pictureWidth: number;
  readonly pictureHeight: number;
  /** Part of the input the picture fills, whole pixels. */
  readonly contentWidth: number;
  readonly contentHeight: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

/** Where the picture lies; `stretch` fills the input whatever the proportions. */
export type Anchor = "centre" | "top-left" | "stretch";

/**
 * Fits a picture into an input without changing its proportions. The content is whole pixels, so the horizontal and the
 * vertical scale may differ by less than a pixel's worth; {@link toPicture} undoes exactly what was done.
 */
export function letterbox(
  pictureWidth: number,
  pictureHeight: number,
  inputWidth: number,
  inputHeight: number,
  anchor: Anchor,
): Placement {
  const scale = Math.min(inputWidth / pictureWidth, inputHeight / pictureHeight);
  const isStretched = anchor === "stretch";
  const fit = (side: number, inputSide: number): number =>
    isStretched ? inputSide : Math.max(1, Math.min(inputSide, Math.round(side * scale)));
  const contentWidth = fit(pictureWidth, inputWidth);
  const contentHeight = fit(pictureHeight, inputHeight);
  const centred = anchor === "centre";
  return {
    inputWidth,
    inputHeight,
    pictureWidth,
    pictureHeight,
    contentWidth,
    contentHeight,
    offsetX: centred ? Math.floor((inputWidth - contentWidth) / 2) : 0,
    offsetY: centred ? Math.floor((inputHeight - contentHeight) / 2) : 0,
  };
}

interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** From input pixels to fractions of the picture, cut to the picture. */
export function toPicture(box: Rectangle, placement: Placement): Rectangle {
  const x = (value: number): number => clamp01((value - placement.offsetX) / placement.contentWidth);
  const y = (value: number): number => clamp01((value - placement.offsetY) / placement.contentHeight);
  return { left: x(box.left), top: y(box.top), right: x(box.right), bottom: y(box.bottom) };
}

/** From fractions of the picture to input pixels. */
export function toInput(box: Rectangle, placement: Placement): Rectangle {
  return {
    left: box.left * placement.contentWidth + placement.offsetX,
    top: box.top * placement.contentHeight + placement.offsetY,
    right: box.right * placement.contentWidth + placement.offsetX,
    bottom: box.bottom * placement.contentHeight + placement.offsetY,
  };
}

function clamp01(value: number): number {
  return Math.max(0, Math.min(1, value));
}

/**
 * Input size for a network that takes any multiple of `multipleOf`: the picture's proportions at no more than
 * `maxPixels`, so that no computation is spent on borders.
 */
export function fitToArea(
  pictureWidth: number,
  pictureHeight: number,
  maxPixels: number,
  multipleOf: number,
): { readonly width: number; readonly height: number } {
  const scale = Math.sqrt(maxPixels / (pictureWidth * pictureHeight));
  const wished = { width: pictureWidth * scale, height: pictureHeight * scale };
  let width = roundTo(wished.width, multipleOf);
  let height = roundTo(wished.height, multipleOf);
  while (width * height > maxPixels && (width > multipleOf || height > multipleOf)) {
    // shorten the side that was rounded up most
    const shortenWidth = height <= multipleOf || (width > multipleOf && width / wished.width >= height / wished.height);
    if (shortenWidth) width -= multipleOf;
    else height -= multipleOf;
  }
  return { width, height };
}

function roundTo(value: number, multipleOf: number): number {
  return Math.max(multipleOf, Math.round(value / multipleOf) * multipleOf);
}
