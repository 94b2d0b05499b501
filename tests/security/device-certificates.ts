import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate and its key as PEM files. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** An authority of the test's own, made with `openssl` in a folder of the test's. */
export class DeviceAuthority {
  readonly caFile: string;
  readonly #folder: string;
  readonly #name: string;

  constructor(folder: string, name = "authority") {
    this.#folder = folder;
    this.#name = name;
    this.caFile = join(folder, `${name}.crt`);
    const files = ["-keyout", join(folder, `${name}.key`), "-out", this.caFile];
    openssl(["req", "-x509", ...newKey, "-days", "2", ...files, "-subj", `/CN=${name}`]);
  }

  issue(commonName: string, days = 2): CertificateFiles {
    const base = join(this.#folder, `${this.#name}-${commonName.replaceAll(/\W/g, "_")}-${days}`);
    const [certFile, keyFile, request, extensions] = [`${base}.crt`, `${base}.key`, `${base}.csr`, `${base}.ext`];
    writeFileSync(extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    openssl(["req", "-new", ...newKey, "-keyout", keyFile, "-out", request, "-subj", `/CN=${commonName}`]);
    const signing = ["-CA", this.caFile, "-CAkey", join(this.#folder, `${this.#name}.key`), "-CAcreateserial"];
    openssl([
      "x509",
      "-req",
      "-in",
      request,
      ...signing,
      "-days",
      String(days),
      "-extfile",
      extensions,
      "-out",
      certFile,
    ]);
    return { certFile, keyFile };
  }
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

function openssl(args: readonly string[]): void {
  execFileSync("openssl", [...args], { stdio: "ignore" });
}
