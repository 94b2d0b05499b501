export { generateAll } from "./generate.ts";
