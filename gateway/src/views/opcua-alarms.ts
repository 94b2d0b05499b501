import type { AlarmEvent } from "@frostlight/contract";
import { describeError } from "@frostlight/kernel";
import type { AddressSpace, ISessionContext, UAMethod, UAVariable } from "node-opcua-address-space";
import type { StatusCode, Variant } from "node-opcua-client";

import type { ActiveAlarm, ActRefusal, PersonAction } from "../core/alarm-engine.ts";
import type { ViewContext } from "../core/view.ts";
import { OpcUaAlarmNode } from "./opcua-alarm-node.ts";
import type { OpcUaLibrary } from "./opcua-library.ts";
import type { OpcUaServerOptions } from "./opcua-server-options.ts";
import type { OpcUaSpace } from "./opcua-space.ts";
import { actorOf } from "./people.ts";

type Answer = Promise<{ statusCode: StatusCode }>;

/** Alarms as conditions. Methods ask the gateway; what is shown is what its events say. */
export class OpcUaAlarms {
  readonly #space: OpcUaSpace;
  readonly #context: ViewContext;
  readonly #options: OpcUaServerOptions;
  readonly #library: OpcUaLibrary;
  readonly #nodes = new Map<string, OpcUaAlarmNode>();
  readonly #idle: Readonly<Record<"high" | "low", UAVariable>>;
  #refused = 0;

  constructor(
    addressSpace: AddressSpace,
    parts: {
      readonly space: OpcUaSpace;
      readonly context: ViewContext;
      readonly options: OpcUaServerOptions;
      readonly library: OpcUaLibrary;
    },
  ) {
    this.#space = parts.space;
    this.#context = parts.context;
    this.#options = parts.options;
    this.#library = parts.library;
    const { DataType } = parts.library;
    const still = (name: string, value: number): UAVariable => {
      const variable = parts.space.namespace.addVariable({
        nodeId: `s=still/${name}`,
        browseName: name,
        dataType: "Double",
      });
      variable.setValueFromSource({ dataType: DataType.Double, value });
      return variable;
    };
    this.#idle = { high: still("high", -1e12), low: still("low", 1e12) };
    // A client may name the method of the type and the condition as the object.
    for (const type of ["ConditionType", "AcknowledgeableConditionType", "AlarmConditionType"]) {
      const found = addressSpace.findEventType(type);
      if (found !== null) this.#bind(found.getMethods());
    }
    const shelving = addressSpace.findObjectType("ShelvedStateMachineType");
    if (shelving !== null) this.#bind(shelving.getMethods());
    this.#addMethods();
  }

  get refused(): number {
    return this.#refused;
  }

  /** Brings the conditions to the open alarms; `events` say when those that are over ended. Returns how many changed. */
  update(events: readonly AlarmEvent[]): number {
    const open = new Set<string>();
    let changed = 0;
    for (const alarm of this.#context.openAlarms()) {
      const key = keyOf(alarm);
      open.add(key);
      if (this.#nodeOf(key, alarm).show(alarm)) changed += 1;
    }
    for (const [key, node] of this.#nodes) {
      if (open.has(key) || node.alarmId === null) continue;
      const ended = events.findLast(({ alarmId }) => alarmId === node.alarmId);
      node.end(ended?.timeMs ?? this.#context.clock.nowMs());
      changed += 1;
    }
    return changed;
  }

  #nodeOf(key: string, alarm: ActiveAlarm): OpcUaAlarmNode {
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const made = new OpcUaAlarmNode(key, alarm, {
      space: this.#space,
      zone: this.#context.zones.find(({ zoneId }) => zoneId === alarm.zoneId),
      idle: this.#idle,
      library: this.#library,
      language: this.#options.language,
      clock: this.#context.clock,
    });
    this.#nodes.set(key, made);
    this.#bind(made.node.getMethods());
    this.#bind(made.node.shelvingState?.getMethods() ?? []);
    return made;
  }

  /** Every method of a condition is ours: what the library would do by itself would not be in the record. */
  #bind(methods: readonly UAMethod[]): void {
    for (const method of methods) {
      const { name } = method.browseName;
      if (name === null || name === "ConditionRefresh" || name === "ConditionRefresh2") continue;
      method.bindMethod((inputs: Variant[], context: ISessionContext) => this.#call(name, inputs, context));
    }
  }

  async #call(name: string, inputs: readonly Variant[], context: ISessionContext): Answer {
    const { StatusCodes } = this.#library;
    const node = this.#nodeBehind(context.object);
    if (node === undefined) return { statusCode: StatusCodes.BadNodeIdInvalid };
    const { alarmId } = node;
    if (alarmId === null) return { statusCode: StatusCodes.BadConditionDisabled };
    const values = inputs.map(({ value }): unknown => value);
    if (name === "Acknowledge" || name === "Confirm") {
      const [eventId] = values;
      const shown = node.node.currentBranch().getEventId();
      // Another state than the one the client saw: it has to look again.
      if (!(eventId instanceof Uint8Array) || Buffer.compare(eventId, shown) !== 0) {
        return { statusCode: StatusCodes.BadEventIdUnknown };
      }
      const kind = name === "Acknowledge" ? "acknowledge" : "action-done";
      return this.#act({ kind, alarmId, comment: textOf(values[1]) }, context);
    }
    const isShelve = /^(Timed|OneShot)Shelve2?$/.exec(name)?.[1];
    if (isShelve !== undefined) {
      const oneShot = isShelve === "OneShot";
      const isCritical = this.#open(alarmId)?.priority === "critical";
      const reason = textOf(values.at(-1));
      // A critical alarm is never shelved without a word: TimedShelve2 carries one.
      if (reason === "" && isCritical) return { statusCode: StatusCodes.BadInvalidArgument };
      const longestMs = isCritical ? 3_600_000 : 86_400_000;
      const [asked] = values;
      const forMs = oneShot ? longestMs - 1_000 : typeof asked === "number" ? asked : 0;
      const untilMs = Math.floor(this.#context.clock.nowMs() + forMs);
      const said = reason === "" ? noReason : reason;
      return this.#act({ kind: "shelve", alarmId, untilMs, oneShot, reason: said }, context);
    }
    const reason = textOf(values[0]) === "" ? noReason : textOf(values[0]);
    if (name === "Unshelve" || name === "Unshelve2") return this.#act({ kind: "unshelve", alarmId, reason }, context);
    if (name === "Reset" || name === "Reset2") return this.#act({ kind: "reset", alarmId, reason }, context);
    // Enable, Disable, AddComment, Suppress, Silence …: the gateway has rules for these, or no place in its record.
    return { statusCode: StatusCodes.BadNotSupported };
  }

  #nodeBehind(object: unknown): OpcUaAlarmNode | undefined {
    for (const node of this.#nodes.values()) {
      if (node.node === object || node.node.shelvingState === object) return node;
    }
    return undefined;
  }

  #open(alarmId: string): ActiveAlarm | undefined {
    return this.#context.openAlarms().find((alarm) => alarm.alarmId === alarmId);
  }

  async #act(action: PersonAction, context: ISessionContext): Answer {
    const { StatusCodes } = this.#library;
    const username = userOf(context);
    const user = this.#options.users.find((one) => one.username === username);
    const refuse = (statusCode: StatusCode, reason: string): { statusCode: StatusCode } => {
      this.#refused += 1;
      this.#context.logger.info("opcua-act", { user: username, act: action.kind, outcome: reason });
      return { statusCode };
    };
    if (user?.may.includes(action.kind) !== true) return refuse(StatusCodes.BadUserAccessDenied, "not-allowed");
    try {
      const actor = actorOf(user.username, "", "OPC UA");
      const outcome = await this.#context.act({ action, actor, onceKey: null });
      if (outcome.kind === "refused") return refuse(this.#codes[outcome.reason], outcome.reason);
      this.#context.logger.info("opcua-act", { user: username, act: action.kind, outcome: "done" });
      return { statusCode: StatusCodes.Good };
    } catch (error) {
      return refuse(StatusCodes.BadResourceUnavailable, describeError(error));
    }
  }

  get #codes(): Readonly<Record<ActRefusal, StatusCode>> {
    const { StatusCodes } = this.#library;
    return {
      "unknown-alarm": StatusCodes.BadConditionDisabled,
      "unknown-target": StatusCodes.BadNotFound,
      "reason-missing": StatusCodes.BadInvalidArgument,
      "until-out-of-range": StatusCodes.BadShelvingTimeOutOfRange,
      "already-acknowledged": StatusCodes.BadConditionBranchAlreadyAcked,
      "not-latched": StatusCodes.BadInvalidState,
      "put-aside": StatusCodes.BadConditionAlreadyShelved,
      "not-put-aside": StatusCodes.BadConditionNotShelved,
    };
  }

  /** What the standard's conditions have no place for: service of a room, point or camera. */
  #addMethods(): void {
    const { DataType, StatusCodes } = this.#library;
    const { namespace, root } = this.#space;
    const argument = (name: string, dataType: number, description: string) => ({
      name,
      dataType,
      description: { text: description },
    });
    const method = namespace.addMethod(root, {
      nodeId: "s=SetService",
      browseName: "SetService",
      inputArguments: [
        argument("Kind", DataType.String, "room, point or camera"),
        argument("Id", DataType.String, "its id"),
        argument("InService", DataType.Boolean, "false: takes it out of service"),
        argument("Minutes", DataType.Double, "out of service for so long at most; of no account when it is put back"),
        argument("Reason", DataType.String, "why"),
      ],
      outputArguments: [],
    });
    method.bindMethod((inputs: Variant[], context: ISessionContext) => {
      const [kind, id, inService, minutes, reason] = inputs.map(({ value }): unknown => value);
      const target = targetOf(kind, textOf(id));
      if (target === undefined || typeof inService !== "boolean" || typeof minutes !== "number") {
        return Promise.resolve({ statusCode: StatusCodes.BadInvalidArgument });
      }
      const untilMs = inService ? 0 : Math.floor(this.#context.clock.nowMs() + minutes * 60_000);
      return this.#act({ kind: "set-service", target, inService, untilMs, reason: textOf(reason) }, context);
    });
  }
}

const noReason = "OPC UA";

/** One condition per rule and target; ids of rules that are for one target carry it already. */
function keyOf({ ruleId, pointId, cameraId, zoneId }: ActiveAlarm): string {
  const target = pointId ?? cameraId ?? zoneId;
  return ruleId.endsWith(`:${target}`) ? ruleId : `${ruleId}:${target}`;
}

function targetOf(kind: unknown, id: string): Extract<PersonAction, { kind: "set-service" }>["target"] | undefined {
  if (id === "") return undefined;
  if (kind === "room") return { zoneId: id };
  if (kind === "point") return { pointId: id };
  return kind === "camera" ? { cameraId: id } : undefined;
}

/** Of a String or LocalizedText. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value.trim().slice(0, 500);
  const text: unknown = typeof value === "object" && value !== null ? Reflect.get(value, "text") : undefined;
  return typeof text === "string" ? text.trim().slice(0, 500) : "";
}

function userOf(context: ISessionContext): string {
  const token: unknown = Reflect.get(context.session ?? {}, "userIdentityToken");
  const name: unknown = typeof token === "object" && token !== null ? Reflect.get(token, "userName") : undefined;
  return typeof name === "string" ? name : "";
}
