type Child = Node | string | false | undefined

/** An element with a class, attributes and children: the page needs no more of a framework. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag, className: string, ...children: (Child | Record<string, string>)[]
): HTMLElementTagNameMap[Tag] {
  const node = document.createElement(tag)
  if (className) node.className = className
  for (const child of children) {
    if (!child) continue
    if (typeof child === 'string' || child instanceof Node) node.append(child)
    else for (const [name, value] of Object.entries(child)) node.setAttribute(name, value)
  }
  return node
}

/** A button that copies `text` and says so, also to a screen reader. */
export function copyButton(text: string, label: string): HTMLButtonElement {
  const button = el('button', 'copy', 'Copy', { type: 'button', 'aria-label': label, 'aria-live': 'polite' })
  button.addEventListener('click', async () => {
    const done = await navigator.clipboard?.writeText(text).then(() => true, () => false)
    button.textContent = done ? 'Copied' : 'Select it'
    setTimeout(() => { button.textContent = 'Copy' }, 1600)
  })
  return button
}
