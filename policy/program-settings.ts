/** What an operator sets beside all policies and a Program says as well, so that whoever reads it knows. */
export interface ProgramSettings {
  /**
   * What becomes of what a pod sends to its own node, after its egress policies; `policy` leaves it to the node's host endpoints. Calico's
   * defaultEndpointToHostAction has the same by the names Drop (deny), Accept (allow) and Return (policy).
   */
  readonly podToHost: "policy" | "allow" | "deny";
}

export const defaultProgramSettings: ProgramSettings = { podToHost: "policy" };
