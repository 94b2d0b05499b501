/** One alarm of one method: from when somebody would have been told until the condition was over. */
export interface AlarmSpan {
  readonly raisedMs: number;
  readonly endedMs: number;
  /** What it speaks about: the room's temperature, or the probe and its data. */
  readonly about: "temperature" | "probe";
  /** Rule kind or side, for the picture. */
  readonly label: string;
}
