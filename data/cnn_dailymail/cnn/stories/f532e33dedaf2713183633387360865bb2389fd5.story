(CNN) -- A robot that was hired to put books back on the shelves of the Danforth Public Library has been let go after three weeks, because the readers kept helping it.

The machine, called Page, is a chest-high cart with one arm. It was meant to reshelve 600 books each night. During the day it was supposed to wait in a corner, but on its second morning a child took it by the arm and led it to the picture books.

After that, librarians said, there was no stopping anyone. Visitors handed Page their returns, asked it for advice, and carried books to the shelves themselves when they thought that it looked tired.

"It has a light that turns orange when the battery is low," said head librarian Constance Adair. "People found that very moving."

By the third week some 2,000 books were in the wrong place. Staff spent a weekend putting them right.

Borrowing rose by 22 percent while the robot was there. The library has asked whether it might have Page back, switched off.

@highlight

Danforth library ends trial of a book-shelving robot after three weeks

@highlight

Visitors helped the machine so much that 2,000 books were misplaced

@highlight

Borrowing rose by 22 percent during the trial
