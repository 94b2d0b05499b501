export { Teaching } from "./teaching.ts";
