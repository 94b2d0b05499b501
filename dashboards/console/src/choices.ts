/** What a person chose on this device. Storage may be forbidden: then the choice lasts as long as the page. */
export function readChoice(name: string): string | null {
  try {
    return localStorage.getItem(`frostlight.${name}`);
  } catch {
    return null;
  }
}

export function writeChoice(name: string, value: string): void {
  try {
    localStorage.setItem(`frostlight.${name}`, value);
  } catch {
    // Storage is forbidden or full: the choice holds until the page is closed.
  }
}
