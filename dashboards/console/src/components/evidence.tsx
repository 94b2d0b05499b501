import { ImageOff } from "lucide-preact";
import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";

import type { Finding } from "../api.generated.ts";
import { api } from "../api.ts";
import { decimal } from "../format.ts";
import { t } from "../i18n/language.ts";

type Reference = Finding["evidence"][number];

/** The picture of a finding that people look at first. */
export function mainPicture(finding: Finding): Reference | undefined {
  const pictures = finding.evidence.filter(({ mediaType, role }) => mediaType.startsWith("image/") && role !== "clip");
  return (
    pictures.find(({ role }) => role === "picture") ?? pictures.find(({ role }) => role === "original") ?? pictures[0]
  );
}

/** A picture with what was found marked on it. Its place is kept free until it has come. */
export function EvidencePicture(props: {
  /** Whose boxes are drawn. */
  readonly finding?: Finding;
  readonly reference: Reference | undefined;
  readonly boxes?: boolean;
  /** Names and scores at the boxes; too much on a small picture. */
  readonly labels?: boolean;
  readonly alt: string;
}): ComponentChild {
  const { finding, reference, boxes = true, labels = false, alt } = props;
  const [ratio, setRatio] = useState(16 / 9);
  if (reference === undefined || !reference.stored) {
    return (
      <span class="picture is-missing">
        <ImageOff size={28} aria-hidden="true" />
        {reference === undefined ? t("camera.noPicture") : t("camera.pictureComing")}
      </span>
    );
  }
  return (
    <span class="picture" style={{ aspectRatio: String(ratio) }}>
      <img
        src={api.evidenceUrl(reference.sha256)}
        alt={alt}
        loading="lazy"
        decoding="async"
        onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => {
          if (naturalWidth > 0 && naturalHeight > 0) setRatio(naturalWidth / naturalHeight);
        }}
      />
      {boxes && finding !== undefined
        ? finding.boxes.map((box, index) => (
            <span
              key={index}
              class={`box is-${finding.severity}`}
              style={{
                left: `${box.left * 100}%`,
                top: `${box.top * 100}%`,
                width: `${(box.right - box.left) * 100}%`,
                height: `${(box.bottom - box.top) * 100}%`,
              }}
            >
              {labels ? (
                <span class="box-label">
                  {box.label} {decimal(box.score, 2)}
                </span>
              ) : null}
            </span>
          ))
        : null}
    </span>
  );
}
