// The demonstration site: server, console, one gateway, and simulator processes that speak real bytes. `npm start`.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { gatewayEnvironment } from "../../tests/sims/child.ts";
import { ServerClient } from "../../tests/sims/server-client.ts";
import { type ChildPlan, Children } from "./children.ts";
import { Commentary } from "./commentary.ts";
import { gatewayYaml, serverYaml } from "./configuration.ts";
import { type DemoOptions, type Ports, readOptions, usage } from "./options.ts";
import { clearLeftovers, noteRunning } from "./running.ts";
import { demoScenario, demoTimeline } from "./scenario.ts";
import { choosePorts, type DemoState, readDemoState, writeDemoState } from "./state.ts";
import { welcome } from "./texts.ts";

const root = resolve(import.meta.dirname, "../..");
const siteId = "demonstration";
/** The server's first line names the password: four groups of five. */
const passwordPattern = /\b([a-z2-9]{5}(?:-[a-z2-9]{5}){3})\b/;

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

async function main(options: DemoOptions): Promise<number> {
  const { folder } = options;
  if ((await clearLeftovers(folder)) === "running") {
    say(`已有演示点在运行 / a demonstration is already running in ${folder}`);
    return 1;
  }
  if (options.fresh) await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "logs"), { recursive: true });
  const last = await readDemoState(folder);
  const ports = await choosePorts(options.ports, last?.ports);
  let state: DemoState = { hasSite: false, ...last, ports };
  await writeDemoState(folder, state);

  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  const children = new Children({
    say,
    onGivenUp: () => end(1),
    onStarted: (pids) => void noteRunning(folder, pids),
  });
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals === 1) say("\n正在结束 / stopping …");
    end(0);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  const plan = planOf(folder);
  let commentary: Commentary | undefined;
  try {
    say("霜明 Frostlight: 正在启动演示点 / starting the demonstration site …");
    // A first start that was cut off before the password was kept is of no use to anybody: it begins again.
    if (state.password === undefined) {
      for (const half of ["server", "gateway"]) await rm(join(folder, half), { recursive: true, force: true });
    }
    await writeFile(join(folder, "server.yaml"), serverYaml({ dataFolder: join(folder, "server"), ports }));
    const consoleUrl = `http://127.0.0.1:${ports.console}`;
    const client = new ServerClient(consoleUrl);
    const startMs = Date.now();
    const isSecond = await Promise.race([bringUp(), ended.then(() => true)]);
    if (isSecond) return await ended;
    say(
      welcome({
        consoleUrl,
        pageUrl: `http://127.0.0.1:${ports.page}`,
        password: state.password ?? "(see the first start)",
        folder: join(folder, "logs"),
        scenarioSeconds: (Date.now() - startMs) / 1000,
      }),
    );
    commentary = new Commentary(client, siteId, say);
    commentary.start();
    if (options.seconds !== undefined) setTimeout(() => end(0), options.seconds * 1000).unref();
    return await ended;

    async function bringUp(): Promise<boolean> {
      const { controllers, others } = await simulators(folder, ports, startMs, plan);
      // The controllers make their certificate at their first start, and the gateway pins it.
      const [server] = await Promise.all([
        children.start(
          plan("server", "server/src/main.ts", ["--config", join(folder, "server.yaml")], (child) => child.started()),
        ),
        children.start(controllers),
      ]);
      if (state.password === undefined) {
        const password = await server.waitFor("the first password", (line) => passwordPattern.exec(line)?.[1]);
        state = { ...state, password };
        await writeDemoState(folder, state);
      }
      await client.signIn("admin", state.password ?? "");
      const tokenFile = join(folder, "enrolment-token");
      if (!state.hasSite) {
        await client.createSite(siteId);
        await writeFile(tokenFile, await client.createEnrolmentToken(siteId), { mode: 0o600 });
        state = { ...state, hasSite: true };
        await writeDemoState(folder, state);
      }
      const gateway = gatewayYaml({
        stateFolder: join(folder, "gateway"),
        tokenFile,
        plcCertificate: join(folder, "plc/own/certs/certificate.pem"),
        ports,
      });
      await writeFile(join(folder, "gateway.yaml"), gateway);
      const configuration = ["--config", join(folder, "gateway.yaml")];
      await Promise.all([
        children.start({
          ...plan("gateway", "gateway/src/main.ts", configuration, (child) => child.started()),
          environment: gatewayEnvironment,
        }),
        ...others.map((simulator) => children.start(simulator)),
      ]);
      while (!(await client.gateways()).some((candidate) => candidate.connected)) {
        await new Promise((wake) => void setTimeout(wake, 200));
      }
      return false;
    }
  } catch (error) {
    say(`\n不能启动 / cannot start: ${error instanceof Error ? error.message : String(error)}`);
    say(`日志 logs: ${join(folder, "logs")}`);
    return 1;
  } finally {
    commentary?.stop();
    await children.stop();
    say("已结束 / stopped.");
  }
}

type MakePlan = (name: string, script: string, args: readonly string[], ready?: ChildPlan["ready"]) => ChildPlan;

function planOf(folder: string): MakePlan {
  return (name, script, args, ready = (child) => child.ready()) => ({
    name,
    script: join(root, script),
    args,
    logFile: join(folder, "logs", `${name}.log`),
    ready,
  });
}

async function simulators(
  folder: string,
  ports: Ports,
  startMs: number,
  plan: MakePlan,
): Promise<{ readonly controllers: ChildPlan; readonly others: readonly ChildPlan[] }> {
  const scenarioFile = join(folder, "scenario.json");
  await writeFile(scenarioFile, JSON.stringify(demoScenario(startMs), null, 2));
  const scenario = ["--scenario", scenarioFile];
  const plc = ["--port", String(ports.plc), "--pki", join(folder, "plc"), "--security"];
  const clip = ["--scene", "clip", "--file", join(import.meta.dirname, "assets/yard.mjpeg")];
  const { unusualObjectAt, unusualObjectFor, every } = demoTimeline;
  const kitchen = ["--scene", "prep-room", "--start", String(startMs), "--every", String(every)];
  const appearance = ["--appear-after", String(unusualObjectAt), "--appear-for", String(unusualObjectFor)];
  const camera = "tests/sims/http-camera.ts";
  return {
    controllers: plan("controllers", "tests/sims/plc.ts", [...scenario, ...plc]),
    others: [
      plan("sensors", "tests/sims/mqtt-sensors.ts", [...scenario, "--url", `mqtt://127.0.0.1:${ports.sensors}`]),
      plan("yard-camera", camera, [...clip, "--port", String(ports.yard)]),
      plan("kitchen-camera", camera, [...kitchen, ...appearance, "--port", String(ports.kitchen)]),
    ],
  };
}

let options: DemoOptions;
try {
  options = readOptions(process.argv.slice(2), root);
} catch (error) {
  say(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  process.exit(2);
}
process.exit(await main(options));
