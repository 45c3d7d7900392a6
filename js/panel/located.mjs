// What an error of a ComfyScript node says of the node's script.

/** The place, the message of one or more lines, and mostly the line with a caret. */
const LOCATED = /line (\d+), column (\d+): ([^]*?)(?:\n[^\n]*\n *\^+)?\s*$/

/** Place and message of an error of the server: `line 3, column 5: …`. @param {string} text @returns {{ line: number, column: number, message: string } | undefined} */
export function located(text) {
  const found = LOCATED.exec(text)
  return found ? { line: Number(found[1]), column: Number(found[2]), message: found[3] } : undefined
}
