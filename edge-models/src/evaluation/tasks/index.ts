import type { EvaluationTask } from "../task.ts";
import { anomaly } from "./anomaly.ts";
import { boxes, person } from "./boxes.ts";
import { headwear } from "./headwear.ts";
import { health } from "./health.ts";
import { mask } from "./mask.ts";
import { rodent } from "./rodent.ts";

/** What `--task` takes. */
export const evaluationTasks: readonly EvaluationTask[] = [person, mask, boxes, anomaly, headwear, rodent, health];
