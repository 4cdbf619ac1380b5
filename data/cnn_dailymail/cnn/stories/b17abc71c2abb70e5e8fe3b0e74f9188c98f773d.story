(CNN) -- A novelist who says that her best-selling book was dictated to her by a ghost may not share the copyright with him, an appeals court ruled on Tuesday.

Writer Ottoline Grieve had named Captain Josiah Marl, who was lost at sea in 1803, as co-author of "The Salt Letters." She told interviewers that he had spoken to her each night at her kitchen table. The book has sold more than a million copies.

The case was brought by eleven people who claim to be the captain's descendants. If he wrote half of the novel, they argued, then half of the royalties should come to them.

In a unanimous opinion, the three judges said that copyright belongs to whoever fixes the words on the page. "The law does not ask where a writer gets her ideas," wrote Judge Everett Sandoval-Reyes. "It asks who did the typing."

The court took no position on whether the captain exists.

Lawyers for the family said that they were considering a further appeal. Grieve said through her publisher that she was relieved, and that she could not speak for Captain Marl, who had been silent since the suit was filed.

@highlight

A court rules that a novelist cannot share copyright with a ghost

@highlight

Eleven people who claim to be the ghost's descendants had sought half the royalties

@highlight

Judges took no position on whether the captain exists
