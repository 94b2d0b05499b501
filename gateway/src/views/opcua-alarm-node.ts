import type { AlarmState, Priority } from "@frostlight/contract";
import type { Clock } from "@frostlight/kernel";
import type {
  UAAlarmConditionEx,
  UAExclusiveLimitAlarmEx,
  UAMethod,
  UAObject,
  UAVariable,
} from "node-opcua-address-space";
import type { NodeId } from "node-opcua-client";

import type { ActiveAlarm } from "../core/alarm-engine.ts";
import type { Zone } from "../core/site.ts";
import type { OpcUaLibrary } from "./opcua-library.ts";
import type { OpcUaSpace } from "./opcua-space.ts";
import { sentence } from "./sentence.ts";

/** OPC 10000-9, 5.5.2: 1 … 1000. */
const severityOf = { warning: 300, high: 600, critical: 900 } as const satisfies Record<Priority, number>;
const longestShelfMs = 24 * 3_600_000;

const acknowledged: ReadonlySet<AlarmState> = new Set(["acknowledged", "latched-acknowledged"]);
/** The condition is gone; in all others it holds, or nobody knows better. */
const gone: ReadonlySet<AlarmState> = new Set([
  "returned-unacknowledged",
  "latched-unacknowledged",
  "latched-acknowledged",
  "normal",
]);

const optionals = [
  "ConfirmedState",
  "Confirm",
  "SuppressedState",
  "OutOfServiceState",
  "LatchedState",
  "ShelvingState",
  "ShelvingState.TimedShelve2",
  "ShelvingState.OneShotShelve2",
  "ShelvingState.Unshelve2",
  "Reset",
  "Reset2",
];

/** The condition of one rule at one target. Its alarm's states are shown as OPC 10000-9 has them; it decides nothing. */
export class OpcUaAlarmNode {
  readonly node: UAAlarmConditionEx;
  readonly #library: OpcUaLibrary;
  readonly #language: "zh" | "en";
  readonly #clock: Clock;
  readonly #limits: UAExclusiveLimitAlarmEx | undefined;
  readonly #side: "high" | "low" | undefined;
  #shown = "";
  /** The occurrence it shows; null: none. */
  alarmId: string | null = null;

  constructor(
    key: string,
    alarm: ActiveAlarm,
    parts: {
      readonly space: OpcUaSpace;
      readonly zone: Zone | undefined;
      readonly idle: Readonly<Record<"high" | "low", UAVariable>>;
      readonly library: OpcUaLibrary;
      readonly language: "zh" | "en";
      readonly clock: Clock;
    },
  ) {
    const { space, zone, idle, library, language } = parts;
    this.#clock = parts.clock;
    this.#library = library;
    this.#language = language;
    const source: UAObject = space.sourceOf(alarm.zoneId);
    const input = alarm.pointId === null ? undefined : space.point(alarm.pointId);
    const common = {
      nodeId: `s=alarm/${key}`,
      browseName: key,
      conditionName: key,
      componentOf: source,
      conditionSource: source,
      conditionOf: source,
      maxTimeShelved: longestShelfMs,
      optionals: [...optionals],
    };
    const side = /^(?:limit|excursion)-(high|low)$/.exec(alarm.explanation.code)?.[1];
    const limit = alarm.explanation.parameters["limit"];
    if (input !== undefined && (side === "high" || side === "low") && typeof limit === "number") {
      const { limits } = zone ?? {};
      const [first, second] =
        side === "high" ? [limits?.high, limits?.criticalHigh] : [limits?.low, limits?.criticalLow];
      const names =
        side === "high" ? (["highLimit", "highHighLimit"] as const) : (["lowLimit", "lowLowLimit"] as const);
      this.#side = side;
      this.#limits = space.namespace.instantiateExclusiveLimitAlarm("ExclusiveLimitAlarmType", {
        ...common,
        // The gateway's rules decide: the library watches a variable that never moves.
        inputNode: idle[side],
        [names[0]]: first ?? limit,
        ...(second === null || second === undefined ? {} : { [names[1]]: second }),
      } as unknown as LimitOptions); // limits of one side are enough for the library, not for its types
      this.node = this.#limits;
      this.node.inputNode.setValueFromSource({ dataType: library.DataType.NodeId, value: input.nodeId });
    } else {
      this.node = space.namespace.instantiateAlarmCondition("AlarmConditionType", {
        ...common,
        inputNode: input ?? new library.NodeId(),
      });
    }
    // OPC 10000-5, 6.4.2: for people. The library would give the browse name with its namespace.
    const sourceName = zone?.name[language] ?? alarm.zoneId;
    this.node.sourceName.setValueFromSource({ dataType: library.DataType.String, value: sourceName });
    this.#standForShelving();
  }

  /** Shows an open alarm. Returns whether anything is new, and then tells clients. */
  show(alarm: ActiveAlarm): boolean {
    const { StatusCodes } = this.#library;
    const { state, priority, actionDone, aside, changedMs, comment } = alarm;
    const message = sentence(alarm.explanation, this.#language);
    const text = JSON.stringify([alarm.alarmId, state, priority, actionDone, aside, comment, alarm.explanation.code]);
    if (text === this.#shown) return false;
    this.#shown = text;
    this.alarmId = alarm.alarmId;
    const branch = this.node.currentBranch();
    const time = new Date(changedMs);
    branch.setActiveState(!gone.has(state));
    branch.setAckedState(acknowledged.has(state) || actionDone);
    branch.setConfirmedState(actionDone);
    branch.setSuppressedState(state === "suppressed");
    this.#mark(this.node.outOfServiceState, state === "out-of-service", "Out of service", "In service");
    this.#mark(this.node.latchedState, state.startsWith("latched-"), "Latched", "Unlatched");
    branch.setComment(comment);
    this.#shelve(state === "shelved" ? aside : null);
    this.#limitState(alarm);
    this.node.raiseNewCondition({
      message: this.#text(message),
      severity: severityOf[priority],
      quality: StatusCodes.Good,
      retain: true,
      time,
      receiveTime: time,
    });
    return true;
  }

  /** The alarm is over. */
  end(timeMs: number): void {
    if (this.alarmId === null) return;
    this.alarmId = null;
    this.#shown = "";
    const { StatusCodes } = this.#library;
    const branch = this.node.currentBranch();
    branch.setActiveState(false);
    branch.setAckedState(true);
    branch.setConfirmedState(true);
    branch.setSuppressedState(false);
    this.#mark(this.node.outOfServiceState, false, "Out of service", "In service");
    this.#mark(this.node.latchedState, false, "Latched", "Unlatched");
    this.#shelve(null);
    const over = this.#language === "zh" ? "报警已结束" : "The alarm is over";
    const time = new Date(timeMs);
    this.node.raiseNewCondition({
      message: this.#text(over),
      severity: branch.getSeverity(),
      quality: StatusCodes.Good,
      retain: false,
      time,
      receiveTime: time,
    });
  }

  /** OPC 10000-9, 5.8.17: clients may name the condition where its shelving state has the method. The library would refuse. */
  #standForShelving(): void {
    const { node } = this;
    const own = node.getMethodById.bind(node);
    const of = (object: Pick<UAObject, "getMethods"> | undefined, asked: NodeId): UAMethod | undefined =>
      object?.getMethods().find(({ nodeId }) => nodeId.toString() === asked.toString());
    const found = (asked: NodeId): UAMethod | null => {
      const { shelvingState } = node;
      return own(asked) ?? of(shelvingState, asked) ?? of(shelvingState?.typeDefinitionObj, asked) ?? null;
    };
    Reflect.set(node, "getMethodById", found);
  }

  #text(text: string) {
    const { LocalizedText: Text } = this.#library;
    return new Text({ locale: this.#language === "zh" ? "zh-CN" : "en", text });
  }

  /** The library gives these two no machinery: they are set as the variables that they are. */
  #mark(state: UAAlarmConditionEx["latchedState"], is: boolean, yes: string, no: string): void {
    const { DataType, LocalizedText: Text } = this.#library;
    const value = new Text({ locale: "en", text: is ? yes : no });
    state?.setValueFromSource({ dataType: DataType.LocalizedText, value });
    state?.id.setValueFromSource({ dataType: DataType.Boolean, value: is });
  }

  #limitState({ priority }: ActiveAlarm): void {
    const limits = this.#limits;
    if (limits === undefined || this.#side === undefined) return;
    const isHigh = this.#side === "high";
    const hasSecond = (isHigh ? limits.highHighLimit : limits.lowLowLimit) !== undefined;
    const isSecond = priority === "critical" && hasSecond;
    limits.limitState.setState(isHigh ? (isSecond ? "HighHigh" : "High") : isSecond ? "LowLow" : "Low");
  }

  #shelve(shelf: ActiveAlarm["aside"]): void {
    const { shelvingState } = this.node;
    if (shelvingState === undefined) return;
    const nowMs = this.#clock.nowMs();
    // What the library computes UnshelveTime from; its timer is not used, the gateway's clock ends shelves.
    Reflect.set(shelvingState, "_shelvedTime", new Date(nowMs));
    Reflect.set(shelvingState, "_duration", shelf === null ? 0 : Math.max(0, shelf.untilMs - nowMs));
    shelvingState.setState(shelf === null ? "Unshelved" : shelf.oneShot ? "OneShotShelved" : "TimedShelved");
  }
}

type LimitOptions = Parameters<OpcUaSpace["namespace"]["instantiateExclusiveLimitAlarm"]>[1];
