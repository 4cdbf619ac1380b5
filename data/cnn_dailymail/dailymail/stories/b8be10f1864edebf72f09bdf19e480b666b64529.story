Two old friends who set out to row an ocean together have come ashore after 68 days, having not spoken a word to each other for the last 51.

Callum Ferris and Jonty Braithwaite-Lowe, both 33, landed at the island of St Crispin yesterday after covering 2,900 miles from the Verdine Isles in a boat 24 feet long.

The quarrel broke out on the 17th day. It concerned a spoon.

'I would rather not go into whose spoon it was,' said Mr Ferris, who has lost two stone. Mr Braithwaite-Lowe, giving a separate interview at the other end of the quay, said that it was his.

From then on they passed notes. Those that survive include 'Your turn', 'Shark', 'Not a shark', and 'Happy birthday', the last of which was sent on day 60 and was not answered.

Even so, they broke the record for the route by three days, perhaps because neither man was willing to be the first to rest.

They have raised £54,000 for a children's hospice. Its director, Amrit Sandhar, said that everybody was thankful, and that he had bought two spoons, which will be presented at a dinner. They are to sit at different tables.

@highlight

Two friends rowed 2,900 miles in 68 days after falling out

@highlight

They did not speak for 51 days after a quarrel about a spoon

@highlight

The pair broke the record for the route by three days

@highlight

They raised £54,000 for a children's hospice
