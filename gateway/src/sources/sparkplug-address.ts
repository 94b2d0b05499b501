import type { SparkplugPlace } from "../decoders/sparkplug-consumer.ts";

const pattern = /^spBv1\.0\/([^/+#]+)\/\+\/([^/+#]+)(?:\/([^/+#]+))?$/;

/** Group, edge node and device that a point's topic names: `spBv1.0/<group>/+/<edge node>[/<device>]`. */
export function sparkplugPlace(topic: string): SparkplugPlace | undefined {
  const match = pattern.exec(topic);
  if (match === null) return undefined;
  const [, group = "", edgeNode = "", device] = match;
  return { group, edgeNode, device: device ?? null };
}

/** All messages of a place's edge node: its births and deaths concern the devices too. */
export function sparkplugFilter(place: SparkplugPlace): string {
  return `spBv1.0/${place.group}/+/${place.edgeNode}/#`;
}
