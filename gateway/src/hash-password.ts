/**
 * Makes the line that a sensor user's `passwordHash` refers to: reads the password from standard input, prints its hash.
 *
 *   npm run -s hash-password < password.txt > /etc/frostlight/secrets/probe.hash
 */
import { text } from "node:stream/consumers";

import { hashPassword } from "./sources/password-hash.ts";

const password = (await text(process.stdin)).replace(/\r?\n$/, "");
if (password === "") {
  process.stderr.write("no password on standard input\n");
  process.exitCode = 64;
} else process.stdout.write(`${await hashPassword(password)}\n`);
