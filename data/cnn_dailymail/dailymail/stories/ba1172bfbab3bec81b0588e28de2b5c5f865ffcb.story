The last bank in the Ister valley will close on Friday, leaving 7,400 people with a 32-mile round trip to pay in a cheque.

Northern Provident said the branch at Isterfoot now sees only 61 customers a week, against 400 ten years ago, and that most of its business had moved online.

Residents say that the figures are misleading. They point out that opening hours were cut to nine a week in 2011 and that broadband in the upper valley is so slow that one shopkeeper sends her accounts by post.

'They shut the door most of the week and then complain that nobody walks through it,' said Alun Harker, who runs the hardware shop opposite.

A petition with 3,150 names was handed in on Monday. The bank replied on Tuesday, with what campaigners described as a very polite no.

From next month a van with a counter in its side will stop in the market square on Wednesdays between 10 and 11.30. It will not be able to take coins.

The branch manager, Joyce Pellow, is to retire. In 27 years, she said, she had never once been held up, except by conversation.

@highlight

The last bank in the Ister valley closes on Friday

@highlight

Northern Provident says only 61 customers a week now use the branch

@highlight

A petition with 3,150 names did not change the bank's decision

@highlight

A van will visit on Wednesdays but cannot take coins
