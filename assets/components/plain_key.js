const TYPED =
  "input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable=true]";

/** Whether a key was pressed by itself, and not typed into something. */
function isPlain(event) {
  const { altKey, ctrlKey, metaKey, shiftKey, repeat } = event;
  return !(altKey || ctrlKey || metaKey || shiftKey || repeat || event.composedPath()[0].closest?.(TYPED));
}

