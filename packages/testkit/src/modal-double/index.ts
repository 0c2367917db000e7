export { startModalDouble } from "./start.ts";
export type { ModalDouble, ModalDoubleOptions } from "./start.ts";
export type { ModalDoubleControl } from "./control-client.ts";
export type { ModalDoubleFault, ModalDoubleReport } from "./control-schema.ts";
