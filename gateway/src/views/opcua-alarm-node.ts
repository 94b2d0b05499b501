import type { AlarmState, Priority } from "@frostlight/contract";
import type { UAAlarmConditionEx, UAExclusiveLimitAlarmEx, UAObject, UAVariable } from "node-opcua-address-space";

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

/** What the journal's events say of an alarm besides its state. */
export interface AlarmMarks {
  readonly actionDone: boolean;
  /** Put aside until then; null: no limit is known. */
  readonly untilMs: number | null;
  readonly timeMs: number;
  readonly comment: string;
}

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
  readonly #limits: UAExclusiveLimitAlarmEx | undefined;
  readonly #side: "high" | "low" | undefined;
  #shown = "";
  /** The occurrence it shows; null: none. */
  alarmId: string | null = null;
  oneShot = false;

  constructor(
    key: string,
    alarm: ActiveAlarm,
    parts: {
      readonly space: OpcUaSpace;
      readonly zone: Zone | undefined;
      readonly idle: Readonly<Record<"high" | "low", UAVariable>>;
      readonly library: OpcUaLibrary;
      readonly language: "zh" | "en";
    },
  ) {
    const { space, zone, idle, library, language } = parts;
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
  }

  /** Shows an open alarm. Returns whether anything is new, and then tells clients. */
  show(alarm: ActiveAlarm, marks: AlarmMarks): boolean {
    const { StatusCodes } = this.#library;
    const { state, priority } = alarm;
    const message = sentence(alarm.explanation, this.#language);
    const text = JSON.stringify([
      alarm.alarmId,
      state,
      priority,
      marks.actionDone,
      marks.untilMs,
      alarm.explanation.code,
    ]);
    if (text === this.#shown) return false;
    this.#shown = text;
    this.alarmId = alarm.alarmId;
    const branch = this.node.currentBranch();
    const time = new Date(marks.timeMs);
    branch.setActiveState(!gone.has(state));
    branch.setAckedState(acknowledged.has(state) || marks.actionDone);
    branch.setConfirmedState(marks.actionDone);
    branch.setSuppressedState(state === "suppressed");
    this.#mark(this.node.outOfServiceState, state === "out-of-service", "Out of service", "In service");
    this.#mark(this.node.latchedState, state.startsWith("latched-"), "Latched", "Unlatched");
    branch.setComment(marks.comment);
    this.#shelve(state === "shelved" ? marks.untilMs : null, state === "shelved", marks.timeMs);
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
    this.#shelve(null, false, timeMs);
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

  #shelve(untilMs: number | null, isShelved: boolean, sinceMs: number): void {
    const { shelvingState } = this.node;
    if (shelvingState === undefined) return;
    if (!isShelved) this.oneShot = false;
    // What the library computes UnshelveTime from; its timer is not used, the gateway's clock ends shelves.
    Reflect.set(shelvingState, "_shelvedTime", new Date(sinceMs));
    Reflect.set(shelvingState, "_duration", (untilMs ?? sinceMs) - sinceMs);
    shelvingState.setState(isShelved ? (this.oneShot ? "OneShotShelved" : "TimedShelved") : "Unshelved");
  }
}

type LimitOptions = Parameters<OpcUaSpace["namespace"]["instantiateExclusiveLimitAlarm"]>[1];
