import { existsSync } from "node:fs";

import { type Browser, chromium, type Page } from "playwright-core";

const executablePath = "/usr/bin/chromium";

/** Why the browser tests cannot run here; undefined when they can. On a build server a missing browser is a failure. */
export function missingBrowser(): string | undefined {
  if (existsSync(executablePath)) return undefined;
  if (process.env["CI"] === "true") throw new Error(`Chromium is missing (${executablePath})`);
  return `needs Chromium at ${executablePath}`;
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--disable-component-update",
      "--no-first-run",
    ],
  });
}

/** Collects what a page complains about. */
export function complaintsOf(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      complaints.push(`${message.text()} ${message.location().url}`);
    }
  });
  page.on("pageerror", (error) => {
    complaints.push(error.message);
  });
  return complaints;
}
