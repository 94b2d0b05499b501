export { drawBoxes, readPicture } from "./pictures.ts";
export { licenceWarning } from "../manifest.ts";
export { type ModelMeasurement, measureModel } from "./measure-model.ts";
export { evaluatorPath, shippedModelFolders } from "./shipped.ts";
