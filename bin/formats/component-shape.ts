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
    { header: "state", cell: stateOf, text: (state) => `${isWell(state) ? "✓" : "✗"} ${stateOf(state)}` },
    { header: "image", cell: ({ image }) => image },
  ],
};

function stateOf(state: ComponentState): string {
  return isWell(state) ? "works" : "not ready";
}
