const messageTypes = ["NBIRTH", "NDEATH", "NDATA", "NCMD", "DBIRTH", "DDEATH", "DDATA", "DCMD"] as const;
type SparkplugMessageType = (typeof messageTypes)[number];

/** `spBv1.0/<group>/<type>/<edge node>[/<device>]` (Sparkplug B 3.0, section 4.1). */
export interface SparkplugTopic {
  readonly group: string;
  readonly type: SparkplugMessageType;
  readonly edgeNode: string;
  /** Exactly in messages of devices. */
  readonly device: string | null;
}

const sparkplugNamespace = "spBv1.0";

/** Reads a topic; undefined when it is none of Sparkplug's (STATE is none: it has another form). */
export function parseSparkplugTopic(topic: string): SparkplugTopic | undefined {
  const [namespace, group, typeText, edgeNode, device, ...rest] = topic.split("/");
  if (namespace !== sparkplugNamespace || rest.length > 0) return undefined;
  const type = messageTypes.find((candidate) => candidate === typeText);
  if (type === undefined || group === undefined || group === "" || edgeNode === undefined || edgeNode === "") {
    return undefined;
  }
  if (type.startsWith("D") ? device === undefined || device === "" : device !== undefined) return undefined;
  return { group, type, edgeNode, device: device ?? null };
}

export function formatSparkplugTopic(topic: SparkplugTopic): string {
  const base = `${sparkplugNamespace}/${topic.group}/${topic.type}/${topic.edgeNode}`;
  return topic.device === null ? base : `${base}/${topic.device}`;
}
