import type { LocalisedText, Sample } from "@frostlight/contract";
import type { AddressSpace, Namespace, UAObject, UAVariable } from "node-opcua-address-space";
import type { LocalizedText, StatusCode } from "node-opcua-client";

import type { Point, Zone } from "../core/site.ts";
import type { ViewContext } from "../core/view.ts";
import type { OpcUaLibrary } from "./opcua-library.ts";

/** UNECE codes of the units (OPC 10000-8, annex B): the code's characters as a number. */
const units: Readonly<Record<string, { readonly code: string; readonly name: string }>> = {
  Cel: { code: "CEL", name: "°C" },
  "%": { code: "P1", name: "%" },
  W: { code: "WTT", name: "W" },
  V: { code: "VLT", name: "V" },
};

type Unit = Exclude<Parameters<Namespace["addAnalogDataItem"]>[0]["engineeringUnits"], undefined>;

interface Shown {
  readonly sample: Sample;
  readonly stale: boolean;
}

/** Rooms and points as nodes: an object per room, a variable per point, the estimate of the goods beside them. */
export class OpcUaSpace {
  readonly root: UAObject;
  readonly #context: ViewContext;
  readonly #library: OpcUaLibrary;
  readonly #space: AddressSpace;
  readonly #namespace: Namespace;
  readonly #rooms = new Map<string, UAObject>();
  readonly #points = new Map<string, UAVariable>();
  readonly #estimates = new Map<string, readonly [UAVariable, UAVariable]>();
  readonly #shown = new Map<string, Shown | string>();

  constructor(space: AddressSpace, context: ViewContext, library: OpcUaLibrary) {
    this.#context = context;
    this.#library = library;
    this.#space = space;
    this.#namespace = space.getOwnNamespace();
    this.root = this.#namespace.addObject({
      organizedBy: space.rootFolder.objects,
      notifierOf: space.rootFolder.objects.server,
      eventNotifier: 1,
      nodeId: "s=frostlight",
      browseName: "Frostlight",
      displayName: this.text({ zh: "霜明", en: "Frostlight" }),
    });
    for (const zone of context.zones) this.#addRoom(zone);
    for (const point of context.points) this.#addPoint(point);
  }

  get namespace(): Namespace {
    return this.#namespace;
  }

  room(zoneId: string): UAObject | undefined {
    return this.#rooms.get(zoneId);
  }

  /** Rooms and other sources of alarms; made when an alarm of a room comes that is not configured. */
  sourceOf(zoneId: string): UAObject {
    return this.#rooms.get(zoneId) ?? this.#addRoom({ zoneId, name: { zh: zoneId, en: zoneId } });
  }

  point(pointId: string): UAVariable | undefined {
    return this.#points.get(pointId);
  }

  /** Both languages: clients choose by locale. */
  text({ zh, en }: LocalisedText): LocalizedText[] {
    const { LocalizedText: Text } = this.#library;
    return [new Text({ locale: "zh-CN", text: zh }), new Text({ locale: "en", text: en })];
  }

  /** Brings the variables to what is known now. Returns how many values changed. */
  update(): number {
    const { DataType, StatusCodes } = this.#library;
    let changed = 0;
    for (const [pointId, variable] of this.#points) {
      const latest = this.#context.latest(pointId);
      const before = this.#shown.get(pointId);
      if (latest === undefined) continue;
      if (typeof before === "object" && before.sample === latest.sample && before.stale === latest.stale) continue;
      this.#shown.set(pointId, latest);
      changed += 1;
      const { sample } = latest;
      const status = this.#statusOf(latest);
      const value = sample.value ?? 0;
      // The value of a bad reading is nobody's: clients read the status first.
      variable.setValueFromSource({ dataType: DataType.Double, value }, status, new Date(sample.timeMs));
    }
    for (const { zoneId, product } of this.#context.rooms()) {
      const text = JSON.stringify(product);
      const key = `product ${zoneId}`;
      if (this.#shown.get(key) === text) continue;
      this.#shown.set(key, text);
      const [celsius, uncertainty] = this.#estimates.get(zoneId) ?? [];
      // Never good: it is an estimate.
      const status = product === null ? StatusCodes.BadNoDataAvailable : StatusCodes.UncertainSubNormal;
      celsius?.setValueFromSource({ dataType: DataType.Double, value: product?.celsius ?? 0 }, status);
      uncertainty?.setValueFromSource({ dataType: DataType.Double, value: product?.uncertaintyCelsius ?? 0 }, status);
      changed += 1;
    }
    return changed;
  }

  #statusOf({ sample, stale }: Shown): StatusCode {
    const { StatusCodes } = this.#library;
    if (sample.value === null) {
      if (sample.quality === "stale") return StatusCodes.BadNoCommunication;
      return sample.reason === "sensor-fault" ? StatusCodes.BadSensorFailure : StatusCodes.Bad;
    }
    if (stale || sample.quality === "stale") return StatusCodes.UncertainNoCommunicationLastUsableValue;
    return sample.quality === "uncertain" ? StatusCodes.Uncertain : StatusCodes.Good;
  }

  #addRoom({ zoneId, name }: Pick<Zone, "zoneId" | "name">): UAObject {
    const room = this.#namespace.addObject({
      componentOf: this.root,
      eventSourceOf: this.root,
      eventNotifier: 1,
      nodeId: `s=room/${zoneId}`,
      browseName: zoneId,
      displayName: this.text(name),
    });
    this.#rooms.set(zoneId, room);
    const estimate = (browseName: string, name: LocalisedText): UAVariable =>
      this.#addNumber(room, {
        nodeId: `s=room/${zoneId}/${browseName}`,
        browseName,
        name,
        description: "An estimate from the air temperature, never a measurement.",
        unit: "Cel",
        range: { low: -100, high: 200 },
      });
    this.#estimates.set(zoneId, [
      estimate("ProductTemperatureEstimate", { zh: "食品温度（估算）", en: "Product temperature (estimate)" }),
      estimate("ProductTemperatureUncertainty", {
        zh: "食品温度估算的不确定度",
        en: "Uncertainty of the product estimate",
      }),
    ]);
    return room;
  }

  #addPoint({ pointId, zoneId, name, quantity, unit, validRange }: Point): void {
    const variable = this.#addNumber(this.sourceOf(zoneId), {
      nodeId: `s=point/${pointId}`,
      browseName: pointId,
      name,
      description: quantity,
      unit,
      range: { low: validRange.min, high: validRange.max },
    });
    this.#points.set(pointId, variable);
  }

  #addNumber(
    parent: UAObject,
    item: {
      readonly nodeId: string;
      readonly browseName: string;
      readonly name: LocalisedText;
      readonly description: string;
      readonly unit: string;
      readonly range: { readonly low: number; readonly high: number };
    },
  ): UAVariable {
    const { DataType, StatusCodes } = this.#library;
    const variable = this.#namespace.addAnalogDataItem({
      componentOf: parent,
      eventSourceOf: parent,
      nodeId: item.nodeId,
      browseName: item.browseName,
      displayName: this.text(item.name),
      description: item.description,
      dataType: "Double",
      minimumSamplingInterval: 0,
      engineeringUnitsRange: item.range,
      engineeringUnits: this.#unit(item.unit),
    });
    variable.setValueFromSource({ dataType: DataType.Double, value: 0 }, StatusCodes.BadWaitingForInitialData);
    return variable;
  }

  #unit(unit: string) {
    const known = units[unit];
    const symbol = known?.name ?? (unit === "1" ? "" : unit);
    const type = this.#space.findDataType("EUInformation");
    if (type === null) throw new Error("the standard address space has no EUInformation");
    const made = this.#space.constructExtensionObject(type, {
      namespaceUri: "http://www.opcfoundation.org/UA/units/un/cefact",
      unitId: known === undefined ? -1 : Buffer.from(known.code).reduce((sum, byte) => sum * 256 + byte, 0),
      displayName: { text: symbol },
      description: { text: symbol },
    });
    return made as Unit; // of the type asked for
  }
}
