// The bundle's types are those of its packages; see tools/editor/entry.mjs.
export * from '../../tools/editor/entry.mjs'
