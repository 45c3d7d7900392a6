// The panel's entry: the only script here that ComfyUI loads with the page. Everything else loads when the panel first opens.
import { announcePage } from './panel/announce.mjs'
import { api, app } from './panel/comfy.mjs'
import { graphConfigured, loadBegins } from './panel/loading.mjs'

const TAB = 'comfyscript'

/** @type {Promise<typeof import('./panel/panel.mjs')> | undefined} */
let loading
/** @type {HTMLElement | undefined} */
let shownIn

const load = () => (loading ??= import('./panel/panel.mjs').catch(error => {
  // The page is older than the server's files, or the server is gone.
  loading = undefined
  app.extensionManager.toast.add({ severity: 'error', summary: 'ComfyScript', detail: 'The panel could not be loaded. Reload the page.', life: 8000 })
  throw error
}))

/** Called by the sidebar, also again for the same element when it renders anew. @param {HTMLElement} element */
async function show(element) {
  if (shownIn === element) return
  shownIn = element
  const { openPanel } = await load()
  if (shownIn === element) await openPanel(element)
}

async function hide() {
  shownIn = undefined
  if (loading) (await loading).closePanel()
}

/** Opens the panel if it is closed, then asks it. @param {(panel: import('./panel/panel.mjs').Panel) => unknown} ask */
async function withPanel(ask) {
  const { openedPanel } = await load()
  if (!shownIn) await app.extensionManager.command.execute(`Workspace.ToggleSidebarTab.${TAB}`)
  await ask(await openedPanel())
}

/** @param {import('./panel/comfy.mjs').Node} node */
function imageOf(node) {
  const output = app.nodeOutputs?.[String(node.id)]
  const images = output?.images ?? /** @type {any} */ (node).images
  const chosen = images?.[/** @type {any} */ (node).imageIndex ?? 0]
  return chosen?.filename ? chosen : undefined
}

app.registerExtension({
  name: 'ComfyScript.Panel',
  commands: [
    { id: 'ComfyScript.Open', label: 'Open the script panel', icon: 'pi pi-code', function: () => withPanel(panel => panel.focus()) },
    { id: 'ComfyScript.Run', label: 'Run the script', icon: 'pi pi-play', function: () => withPanel(panel => panel.run()) },
    { id: 'ComfyScript.Apply', label: 'Apply the edited script to the graph', icon: 'pi pi-check', function: () => withPanel(panel => panel.apply()) },
    { id: 'ComfyScript.Copy', label: 'Copy the script', icon: 'pi pi-copy', function: () => withPanel(panel => panel.copy()) },
    { id: 'ComfyScript.CopyForAgent', label: 'Copy the script, its errors and its nodes for an agent', icon: 'pi pi-comments', function: () => withPanel(panel => panel.copyForAgent()) },
    { id: 'ComfyScript.Download', label: 'Download the script as .py', icon: 'pi pi-download', function: () => withPanel(panel => panel.download()) },
    { id: 'ComfyScript.ToNode', label: 'Selected nodes to one ComfyScript node', icon: 'pi pi-box', function: () => withPanel(panel => panel.toNode()) },
    { id: 'ComfyScript.NewGraph', label: 'New graph from a script', icon: 'pi pi-plus', function: () => withPanel(panel => panel.newGraph()) },
  ],
  keybindings: [{ commandId: 'ComfyScript.Open', combo: { key: 'p', shift: true } }],
  menuCommands: [
    {
      path: ['ComfyScript'],
      commands: ['ComfyScript.Open', 'ComfyScript.Run', 'ComfyScript.Apply', 'ComfyScript.Copy', 'ComfyScript.CopyForAgent', 'ComfyScript.Download', 'ComfyScript.ToNode', 'ComfyScript.NewGraph'],
    },
  ],
  settings: [
    {
      id: 'ComfyScript.Style.Args',
      name: 'Arguments of node calls',
      category: ['ComfyScript', 'Script', 'Args'],
      tooltip: 'How node inputs are written: by position, by name, or by name where that reads better.',
      type: 'combo',
      options: [{ value: 'auto', text: 'Automatic' }, { value: 'positional', text: 'By position' }, { value: 'keyword', text: 'By name' }],
      defaultValue: 'auto',
      sortOrder: 40,
      onChange: () => changed(),
    },
    {
      id: 'ComfyScript.Style.Notes',
      name: 'Notes as comments',
      category: ['ComfyScript', 'Script', 'Notes'],
      type: 'boolean',
      defaultValue: false,
      sortOrder: 30,
      onChange: () => changed(),
    },
    ...[
      { id: 'Enabled', name: 'Save the script with each output', tooltip: 'In the metadata of images, videos and audio, beside the workflow.', defaultValue: true },
      { id: 'Sidecar', name: 'Also save the script as a .py file beside each output', defaultValue: false },
      { id: 'Log', name: 'Write the script of each run to the server\'s log', defaultValue: false },
    ].map((one, index) => ({ ...one, id: /** @type {any} */ (`ComfyScript.Save.${one.id}`), category: ['ComfyScript', 'Outputs', one.id], type: /** @type {const} */ ('boolean'), sortOrder: 19 - index })),
    {
      id: 'ComfyScript.Save.Style',
      name: 'Arguments of node calls in saved scripts',
      category: ['ComfyScript', 'Outputs', 'Style'],
      type: 'combo',
      options: [{ value: 'positional', text: 'By position' }, { value: 'auto', text: 'Automatic' }, { value: 'keyword', text: 'By name' }],
      defaultValue: 'positional',
      sortOrder: 16,
    },
    {
      id: 'ComfyScript.Panel.LiveRefresh',
      name: 'Refresh the script while the graph changes',
      category: ['ComfyScript', 'Panel', 'LiveRefresh'],
      type: 'boolean',
      defaultValue: true,
      sortOrder: 20,
      onChange: () => changed(),
    },
    {
      id: 'ComfyScript.Panel.InlayNames',
      name: 'Names of inputs that are given by position',
      category: ['ComfyScript', 'Panel', 'InlayNames'],
      tooltip: 'Shown before their values in the script; they are no part of it.',
      type: 'boolean',
      defaultValue: false,
      sortOrder: 18,
      onChange: () => changed(),
    },
    {
      id: 'ComfyScript.Panel.TabIndents',
      name: 'Tab indents in the script',
      category: ['ComfyScript', 'Panel', 'TabIndents'],
      tooltip: 'Else it goes on to the next button. Escape, then Tab leaves the script either way.',
      type: 'boolean',
      defaultValue: true,
      sortOrder: 19,
    },
    ...[
      { id: 'Apply', name: 'Agents may change the open graph', tooltip: 'By comfyscript mcp, as one step of undo, which the panel shows with the agent\'s name.' },
      { id: 'CancelOthers', name: 'Agents may cancel what others have queued' },
    ].map((one, index) => ({ ...one, id: /** @type {any} */ (`ComfyScript.Agents.${one.id}`), category: ['ComfyScript', 'Agents', one.id], type: /** @type {const} */ ('boolean'), defaultValue: true, sortOrder: 9 - index })),
  ],
  getNodeMenuItems(/** @type {import('./panel/comfy.mjs').Node} */ node) {
    const image = imageOf(node)
    if (!image) return []
    return [{ content: 'Show the script of this image', callback: () => void withPanel(panel => panel.showOutput(image)) }]
  },
  beforeConfigureGraph() {
    loadBegins()
  },
  afterConfigureGraph() {
    graphConfigured()
    if (shownIn) void load().then(({ graphLoaded }) => graphLoaded())
  },
  setup() {
    api.addEventListener('comfyscript.agent', /** @param {any} event */ event => void import('./panel/agent.mjs').then(({ answerAgent }) => answerAgent(event.detail)))
    announcePage()
    app.extensionManager.registerSidebarTab({
      id: TAB,
      title: 'ComfyScript',
      // There is room for seven letters.
      label: 'Script',
      icon: 'pi pi-code',
      tooltip: 'comfyscript.tab',
      type: 'custom',
      render: (/** @type {HTMLElement} */ element) => void show(element),
      destroy: () => void hide(),
    })
  },
})

function changed() {
  if (shownIn) void load().then(({ settingsChanged }) => settingsChanged())
}
