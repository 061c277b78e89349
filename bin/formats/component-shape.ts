import { type ComponentState, isWell } from "../install/components.ts";
import type { Shape } from "./format.ts";

export const componentShape: Shape<ComponentState> = {
  objectOf: (state) => ({ type: "component", ...state, isWell: isWell(state) }),
  nameOf: ({ component }) => component,
  columns: [
    { header: "component", cell: ({ component }) => component },
    { header: "kind", cell: ({ kind }) => kind },
    { header: "wanted", cell: ({ wanted }) => wanted },
    { header: "current", cell: ({ current }) => current },
    { header: "ready", cell: ({ ready }) => ready },
    { header: "state", cell: (state) => (isWell(state) ? "✓ works" : "✗ not ready") },
    { header: "image", cell: ({ image }) => image },
  ],
};
