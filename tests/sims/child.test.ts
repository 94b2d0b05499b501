import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, it } from "vitest";

import { gatewayEnvironment } from "./child.ts";

it("the systemd unit starts the gateway as the memory benchmark does", () => {
  const unit = readFileSync(join(import.meta.dirname, "../../deploy/systemd/frostlight-gateway.service"), "utf8");
  for (const [name, value] of Object.entries(gatewayEnvironment)) expect(unit).toContain(`${name}=${value}`);
});
