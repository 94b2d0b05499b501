import sharp from "sharp";

/** A drawn preparation room with one person: a picture of our own, as JPEG. */
export async function kitchenPicture(person: { readonly x: number } | null): Promise<Uint8Array> {
  const tiles = Array.from({ length: 16 }, (_, column) => `<path d="M${column * 60} 0V220" stroke="#c9d2d6"/>`).join(
    "",
  );
  const figure =
    person === null
      ? ""
      : `<g transform="translate(${person.x} 0)"><ellipse cx="0" cy="470" rx="60" ry="12" fill="#000" opacity=".2"/>
         <rect x="-46" y="220" width="92" height="170" rx="34" fill="#f2f4f5"/><rect x="-34" y="370" width="28" height="100" fill="#39444d"/>
         <rect x="6" y="370" width="28" height="100" fill="#39444d"/><circle cx="0" cy="180" r="34" fill="#c79a7b"/>
         <path d="M-36 172c0-60 72-60 72 0z" fill="#fff"/></g>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="960" height="540">
    <rect width="960" height="540" fill="#dbe2e5"/>${tiles}<path d="M0 70H960M0 140H960M0 210H960" stroke="#c9d2d6"/>
    <rect y="220" width="960" height="320" fill="#9aa7ad"/><path d="M0 540 300 220M960 540 660 220M480 540V220" stroke="#8b989e"/>
    ${figure}
    <rect x="60" y="330" width="330" height="30" fill="#eef1f2"/><rect x="76" y="360" width="298" height="130" fill="#b4c0c6"/>
    <rect x="600" y="330" width="310" height="30" fill="#eef1f2"/><rect x="616" y="360" width="278" height="130" fill="#b4c0c6"/>
    <ellipse cx="160" cy="322" rx="54" ry="16" fill="#7d8b92"/><ellipse cx="290" cy="322" rx="40" ry="13" fill="#d98d4e"/>
    <ellipse cx="700" cy="322" rx="46" ry="14" fill="#7da06a"/><rect x="790" y="270" width="60" height="60" rx="6" fill="#6f7d85"/>
    <text x="20" y="30" font-size="20" font-family="monospace" fill="#2b353b">SIMULATED CAM-1</text></svg>`;
  return await sharp(Buffer.from(svg)).jpeg({ quality: 78 }).toBuffer();
}
