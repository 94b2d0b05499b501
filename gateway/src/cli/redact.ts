const removed = "(removed)";
const tellingKey = /pass|secret|token|key|pwd|credential|authori[sz]ation|cookie/i;
/** Keys whose values are names of files and the like. */
const harmlessKey = /file$|^keepalive/i;

/** `mqtt://user:password@host/path?token=x` without what could let somebody in. */
function withoutCredentials(text: string): string {
  return text
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, `$1${removed}@`)
    .replaceAll(/([?&][^=\s&"']+=)[^\s&"'#]+/g, `$1${removed}`);
}

/** A copy of a configuration without anything secret. References to secrets stay: they say where, not what. */
export function redactConfiguration(value: unknown): unknown {
  if (typeof value === "string") return withoutCredentials(value);
  if (Array.isArray(value)) return value.map(redactConfiguration);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const isTelling = tellingKey.test(key) && !harmlessKey.test(key);
      return [key, isTelling && !isReference(inner) ? removed : redactConfiguration(inner)];
    }),
  );
}

function isReference(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const [[key, inner] = ["", undefined], ...others] = Object.entries(value);
  return others.length === 0 && (key === "file" || key === "env") && typeof inner === "string";
}

/** Short ones would be found everywhere. */
const minSecretLength = 4;

/** Takes every known secret out of a text, and credentials from addresses: also from what a peer or a log said. */
export function scrub(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]) {
      if (form.length >= minSecretLength) clean = clean.replaceAll(form, removed);
    }
  }
  return withoutCredentials(clean).replaceAll(
    /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*-----|$)/g,
    removed,
  );
}
