import { FrostlightError } from "@frostlight/kernel";

interface Words {
  /** Ends the reason code of readings: `modbus-<code>`. */
  readonly code: string;
  readonly zh: string;
  readonly en: string;
}

/** Exception codes in plain words (Application Protocol V1.1b3, section 7). */
const exceptions: Readonly<Record<number, Words>> = {
  1: { code: "illegal-function", zh: "设备不支持这种读取方式", en: "the device does not support this way of reading" },
  2: { code: "illegal-address", zh: "设备没有这个寄存器", en: "the device has no such register" },
  3: {
    code: "illegal-value",
    zh: "设备不接受这样的请求（一次读取过多？）",
    en: "the device does not accept such a request (too much at once?)",
  },
  4: { code: "device-failure", zh: "设备内部故障", en: "the device has an internal failure" },
  5: {
    code: "acknowledge",
    zh: "设备已收到请求，稍后才有结果",
    en: "the device took the request and will be ready later",
  },
  6: { code: "device-busy", zh: "设备忙", en: "the device is busy" },
  7: { code: "negative-acknowledge", zh: "设备拒绝执行", en: "the device declined" },
  8: { code: "memory-parity", zh: "设备存储校验错误", en: "the device found an error in its memory" },
  10: {
    code: "gateway-path",
    zh: "Modbus 网关没有通往该设备的线路（网关配置？）",
    en: "the Modbus gateway has no path to the device (gateway settings?)",
  },
  11: {
    code: "gateway-no-answer",
    zh: "Modbus 网关后面的设备没有应答（断电、接线、站号？）",
    en: "the device behind the Modbus gateway does not answer (power, wiring, unit id?)",
  },
};

const otherFailures = {
  timeout: {
    code: "timeout",
    zh: "没有应答（断电、接线、站号、波特率？）",
    en: "no answer (power, wiring, unit id, baud rate?)",
  },
  garbled: {
    code: "garbled",
    zh: "应答无法识别（干扰、波特率、协议？）",
    en: "the answer makes no sense (noise, baud rate, protocol?)",
  },
  "wrong-answer": {
    code: "wrong-answer",
    zh: "应答属于别的请求或别的设备（站号重复？）",
    en: "the answer belongs to another request or device (unit id used twice?)",
  },
  disconnected: { code: "disconnected", zh: "连接断开", en: "the connection broke" },
} as const satisfies Readonly<Record<string, Words>>;

/** A request that gave no values. */
export type RequestFailure = {
  readonly kind: "exception" | "timeout" | "garbled" | "wrong-answer" | "disconnected";
  readonly reason: string;
  /** For people, Chinese then English. */
  readonly message: string;
};

export function exceptionFailure(exceptionCode: number): RequestFailure {
  const words = exceptions[exceptionCode];
  if (words === undefined) {
    const text = `未知异常码 ${exceptionCode} · unknown exception ${exceptionCode}`;
    return { kind: "exception", reason: `modbus-exception-${exceptionCode}`, message: text };
  }
  return { kind: "exception", reason: `modbus-${words.code}`, message: `${words.zh} · ${words.en}` };
}

export function failure(kind: keyof typeof otherFailures, detail = ""): RequestFailure {
  const { code, zh, en } = otherFailures[kind];
  return { kind, reason: `modbus-${code}`, message: `${zh} · ${en}${detail === "" ? "" : `: ${detail}`}` };
}

/** The connection could not be opened. */
export function connectError(where: string, cause: unknown): FrostlightError {
  return new FrostlightError("modbus/connect-failed", "peer", `${where} cannot be opened`, { cause });
}
