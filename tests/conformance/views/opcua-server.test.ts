import { join } from "node:path";

import {
  AttributeIds,
  ClientMonitoredItem,
  type ClientSession,
  type ClientSubscription,
  constructEventFilter,
  type DataValue,
  MessageSecurityMode,
  NodeId,
  OPCUACertificateManager,
  OPCUAClient,
  SecurityPolicy,
  StatusCodes,
  TimestampsToReturn,
  UserTokenType,
  type Variant,
  DataType,
  type VariantOptions,
} from "node-opcua";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { View } from "../../../gateway/src/core/view.ts";
import { viewRegistry } from "../../../gateway/src/views/index.ts";
import { until } from "../sources/harness.ts";
import { freePort } from "../sources/mosquitto.ts";
import { alarmRig, type Rig } from "./alarm-rig.ts";

const fields = [
  "EventId",
  "Message",
  "Severity",
  "Retain",
  "ActiveState.Id",
  "AckedState.Id",
  "ConfirmedState.Id",
  "SuppressedState.Id",
  "OutOfServiceState.Id",
  "ShelvingState.CurrentState",
  "LimitState.CurrentState",
  "SourceName",
  "Time",
] as const;
type Field = (typeof fields)[number];
type Told = Readonly<Record<Field, unknown>>;

const alarmNode = "ns=1;s=alarm/warm:freezer.air";

/** A panel that speaks OPC UA. */
class Panel {
  readonly told: Told[] = [];
  readonly client: OPCUAClient;
  readonly session: ClientSession;
  subscription: ClientSubscription | undefined;

  constructor(client: OPCUAClient, session: ClientSession) {
    this.client = client;
    this.session = session;
  }

  async watch(): Promise<void> {
    this.subscription = await this.session.createSubscription2({
      requestedPublishingInterval: 50,
      requestedMaxKeepAliveCount: 20,
      requestedLifetimeCount: 1_000,
      maxNotificationsPerPublish: 1_000,
      publishingEnabled: true,
      priority: 1,
    });
    const filter = constructEventFilter([...fields]);
    const item = ClientMonitoredItem.create(
      this.subscription,
      { nodeId: "ns=1;s=frostlight", attributeId: AttributeIds.EventNotifier },
      { samplingInterval: 0, queueSize: 1_000, discardOldest: true, filter },
      TimestampsToReturn.Both,
    );
    item.on("changed", (values: unknown) => {
      const variants = values as readonly Variant[]; // an event's fields
      const told = Object.fromEntries(fields.map((field, index) => [field, variants[index]?.value as unknown]));
      this.told.push(told as Told); // has every field
    });
    await new Promise<void>((resolve) => item.once("initialized", resolve));
  }

  last(): Told | undefined {
    return this.told.at(-1);
  }

  async waitFor(what: string, is: (told: Told) => boolean): Promise<Told> {
    await until(what, () => this.told.some(is), 8_000);
    const found = this.told.findLast(is);
    if (found === undefined) throw new Error(what);
    return found;
  }

  async call(objectId: string, methodId: string, ...inputArguments: VariantOptions[]): Promise<string> {
    const result = await this.session.call({ objectId, methodId, inputArguments });
    return result.statusCode.name;
  }

  async read(nodeId: string): Promise<DataValue> {
    return this.session.read({ nodeId, attributeId: AttributeIds.Value });
  }

  async end(): Promise<void> {
    await this.subscription?.terminate();
    await this.session.close();
    await this.client.disconnect();
  }
}

const bytes = (value: unknown): VariantOptions => ({ dataType: DataType.ByteString, value });
const text = (value: string): VariantOptions => ({ dataType: DataType.LocalizedText, value: { text: value } });
const string = (value: string): VariantOptions => ({ dataType: DataType.String, value });
const duration = (value: number): VariantOptions => ({ dataType: DataType.Double, value });
const isWarm = (told: Told): boolean => String(told.SourceName).includes("Freezer") && told.Severity !== 0;

describe("the gateway as an OPC UA server", { timeout: 120_000 }, () => {
  let rig: Rig;
  let view: View;
  let port: number;
  const closing: (() => Promise<void>)[] = [];
  const sources = { wall: "secret-1", office: "secret-2" };

  beforeEach(async () => {
    rig = await alarmRig();
    port = await freePort();
    const definition = viewRegistry.get("opcua-server");
    const options = {
      host: "127.0.0.1",
      port,
      language: "en",
      users: [
        {
          username: "wall",
          password: { env: "WALL" },
          may: ["acknowledge", "action-done", "shelve", "unshelve", "reset", "set-service"],
        },
        { username: "office", password: { env: "OFFICE" } },
      ],
    };
    view = definition.open(
      definition.options.parse(options),
      rig.context("plant", { WALL: sources.wall, OFFICE: sources.office }),
    );
    await view.start();
    await until("the server listens", () => view.status().code === "listening", 60_000);
  });

  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    await view.stop();
    await rig.remove();
    if (rig.complaints.length > 0) throw new Error(rig.complaints.join("\n"));
  });

  async function client(more: { readonly mode?: MessageSecurityMode; readonly policy?: SecurityPolicy } = {}) {
    const certificates = new OPCUACertificateManager({
      rootFolder: join(rig.folder, "client-pki"),
      automaticallyAcceptUnknownCertificate: true,
      disableFileWatchers: true,
    });
    await certificates.initialize();
    return OPCUAClient.create({
      applicationName: "panel",
      endpointMustExist: false,
      securityMode: more.mode ?? MessageSecurityMode.SignAndEncrypt,
      securityPolicy: more.policy ?? SecurityPolicy.Basic256Sha256,
      clientCertificateManager: certificates,
      connectionStrategy: { maxRetry: 0, initialDelay: 100 },
    });
  }

  const endpoint = (): string => `opc.tcp://127.0.0.1:${port}/frostlight`;

  async function approve(): Promise<void> {
    const [card] = rig.trust.cards();
    const fingerprintSha256 = card?.certificate.fingerprintSha256 ?? "";
    const outcome = await rig.trust.approve({
      sourceId: "view:plant",
      fingerprintSha256,
      actor: "li",
      reason: "compared",
      commandId: null,
    });
    expect(outcome).toEqual({ kind: "done" });
  }

  async function connect(userName: "wall" | "office" = "wall"): Promise<Panel> {
    if (rig.trust.cards().length === 0) {
      const stranger = await client();
      await stranger.connect(endpoint()).catch(() => undefined);
      await stranger.disconnect();
      await approve();
    }
    const one = await client();
    await one.connect(endpoint());
    const session = await one.createSession({
      type: UserTokenType.UserName,
      userName,
      password: sources[userName],
    });
    const panel = new Panel(one, session);
    closing.push(() => panel.end());
    return panel;
  }

  async function warmPanel(): Promise<{ panel: Panel; first: Told }> {
    const panel = await connect();
    await panel.watch();
    await rig.reading(-15);
    const first = await panel.waitFor("the alarm is told", (told) => isWarm(told) && told["ActiveState.Id"] === true);
    return { panel, first };
  }

  it("refuses a client until a person has approved its certificate, and one without encryption for ever", async () => {
    const stranger = await client();
    await expect(stranger.connect(endpoint())).rejects.toThrow(/./);
    await stranger.disconnect();
    expect(rig.trust.cards()).toMatchObject([{ sourceId: "view:plant", state: "waiting" }]);
    await approve();
    const known = await client();
    await known.connect(endpoint());
    await expect(
      known.createSession({ type: UserTokenType.UserName, userName: "wall", password: "wrong" }),
    ).rejects.toThrow(/BadUserAccessDenied|BadIdentityTokenRejected/);
    await expect(known.createSession()).rejects.toThrow(/BadIdentityToken|anonymous|Anonymous/i);
    await known.disconnect();
    const open = await client({ mode: MessageSecurityMode.None, policy: SecurityPolicy.None });
    const session = open
      .connect(endpoint())
      .then(() => open.createSession({ type: UserTokenType.UserName, userName: "wall", password: sources.wall }));
    await expect(session).rejects.toThrow(/./);
    await open.disconnect();
  });

  it("shows points with value, status and source time, and the estimate of the goods never as good", async () => {
    const panel = await connect("office");
    expect((await panel.read("ns=1;s=point/freezer.air")).statusCode.name).toBe("BadWaitingForInitialData");
    const beforeMs = Date.now();
    await rig.reading(-21.5);
    await until("the value is there", async () => (await panel.read("ns=1;s=point/freezer.air")).value.value === -21.5);
    const value = await panel.read("ns=1;s=point/freezer.air");
    expect(value.statusCode).toEqual(StatusCodes.Good);
    expect(value.sourceTimestamp?.getTime()).toBeGreaterThanOrEqual(beforeMs);
    expect((await panel.read("ns=1;s=room/freezer/ProductTemperatureEstimate")).statusCode.isGood()).toBe(false);
    const browsed = await panel.session.browse("ns=1;s=frostlight");
    expect(browsed.references?.map(({ browseName }) => browseName.name)).toContain("freezer");
  });

  it("tells an alarm as a condition with its limit, severity and message", async () => {
    const { first } = await warmPanel();
    expect(first).toMatchObject({
      Severity: 600,
      Retain: true,
      "AckedState.Id": false,
      "ConfirmedState.Id": false,
      SourceName: "Freezer 3",
    });
    expect(JSON.stringify(first.Message)).toContain("limit");
    expect(JSON.stringify(first["LimitState.CurrentState"])).toContain("High");
  });

  it("acknowledges, and takes Confirm for the action done; each once and only for the state that was seen", async () => {
    const { panel, first } = await warmPanel();
    const acknowledge = `${alarmNode}/Acknowledge`;
    expect(await panel.call(alarmNode, "i=9111", bytes(first.EventId), text("on my way"))).toBe("Good");
    expect(rig.open().state).toBe("acknowledged");
    const second = await panel.waitFor("it is told", (told) => told["AckedState.Id"] === true && told.Retain === true);
    expect(await panel.call(alarmNode, "i=9111", bytes(first.EventId), text("again"))).toBe("BadEventIdUnknown");
    expect(await panel.call(alarmNode, "i=9111", bytes(second.EventId), text("again"))).toBe(
      "BadConditionBranchAlreadyAcked",
    );
    expect(await panel.call(alarmNode, "i=9113", bytes(second.EventId), text("door closed"))).toBe("Good");
    await panel.waitFor("the action is told", (told) => told["ConfirmedState.Id"] === true);
    expect(acknowledge).toContain("warm");
  });

  it("shelves for a time or for once, unshelves, and shows what others did", async () => {
    const { panel } = await warmPanel();
    const shelving = (await panel.session.translateBrowsePath(browsePath(alarmNode, "ShelvingState"))).targets?.[0]
      ?.targetId;
    const shelvingNode = String(shelving);
    expect(await panel.call(shelvingNode, "i=2949", duration(600_000))).toBe("Good");
    expect(rig.open().state).toBe("shelved");
    const told = await panel.waitFor("it is told", (one) =>
      JSON.stringify(one["ShelvingState.CurrentState"]).includes("Timed"),
    );
    expect(told.Retain).toBe(true);
    expect(await panel.call(shelvingNode, "i=2949", duration(600_000))).toBe("BadConditionAlreadyShelved");
    expect(await rig.act({ kind: "unshelve", alarmId: rig.open().alarmId, reason: "done" })).toMatchObject({
      kind: "done",
    });
    await panel.waitFor("it is told", (one) => JSON.stringify(one["ShelvingState.CurrentState"]).includes("Unshelved"));
    expect(await panel.call(shelvingNode, "i=2947")).toBe("BadConditionNotShelved");
    expect(await panel.call(shelvingNode, "i=2948")).toBe("Good");
    await panel.waitFor("it is told", (one) => JSON.stringify(one["ShelvingState.CurrentState"]).includes("OneShot"));
  });

  it("takes a point out of service by a method of its own", async () => {
    const { panel } = await warmPanel();
    const set = (inService: boolean, reason: string) =>
      panel.call(
        "ns=1;s=frostlight",
        "ns=1;s=SetService",
        string("point"),
        string("freezer.air"),
        { dataType: DataType.Boolean, value: inService },
        duration(60),
        string(reason),
      );
    expect(await set(false, "")).toBe("BadInvalidArgument");
    expect(await set(false, "calibration")).toBe("Good");
    await panel.waitFor("it is told", (one) => one["OutOfServiceState.Id"] === true);
    expect(await set(true, "done")).toBe("Good");
    await panel.waitFor("it is told", (one) => one["OutOfServiceState.Id"] === false && one["ActiveState.Id"] === true);
  });

  it("lets nobody act without the right, and nobody disable a condition", async () => {
    const { panel, first } = await warmPanel();
    const office = await connect("office");
    expect(await office.call(alarmNode, "i=9111", bytes(first.EventId), text(""))).toBe("BadUserAccessDenied");
    expect(await panel.call(alarmNode, "i=9028")).toBe("BadNotSupported");
    expect(rig.open().state).toBe("unacknowledged");
    expect(view.status().refusedCommands).toBe(1);
  });

  it("tells open alarms anew on a ConditionRefresh, and none that is over", async () => {
    await rig.reading(-15);
    const panel = await connect();
    await panel.watch();
    const refresh = async (): Promise<string> => {
      const { subscriptionId } = Reflect.get(panel, "subscription") as ClientSubscription; // for the test
      return panel.call("i=2782", "i=3875", { dataType: DataType.UInt32, value: subscriptionId });
    };
    expect(await refresh()).toBe("Good");
    await panel.waitFor("the alarm is told", (told) => isWarm(told) && told["ActiveState.Id"] === true);
    await rig.act({ kind: "acknowledge", alarmId: rig.open().alarmId, comment: "" });
    await rig.reading(-25);
    await rig.reading(-25);
    const over = await panel.waitFor("it is over", (told) => told.Retain === false && told["ActiveState.Id"] === false);
    expect(over["AckedState.Id"]).toBe(true);
  });
});

function browsePath(start: string, name: string) {
  return {
    startingNode: NodeId.resolveNodeId(start),
    relativePath: {
      elements: [
        {
          referenceTypeId: NodeId.resolveNodeId("i=44"),
          isInverse: false,
          includeSubtypes: true,
          targetName: { name, namespaceIndex: 0 },
        },
      ],
    },
  };
}
