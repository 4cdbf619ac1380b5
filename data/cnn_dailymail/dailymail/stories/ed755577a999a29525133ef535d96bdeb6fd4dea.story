Five fishermen who spent fourteen hours in a life raft say that they owe their lives to the ship's cook, who sang to them until dawn so that nobody would fall asleep.

The trawler Ruby Constance went down 60 miles off Skellhaven on Sunday night after a wave stove in her wheelhouse windows. There was no time to send a distress call. The crew had three flares and one blanket.

The cook, Tam Gilfillan, 63, began with hymns and moved on to football songs, then to the jingles from every advertisement that he could remember. When the skipper, Ross Pirie, shut his eyes, he was made to take the harmony.

'He has a terrible voice,' said Mr Pirie, 35. 'You couldn't have slept through it if you had wanted to.'

They were seen at first light by a passing cable ship, whose crew said they had heard the raft before they saw it.

All five were flown to hospital in Skellhaven with mild hypothermia. Mr Gilfillan has lost his voice. Doctors have told him not to speak for a week, and he has written down what he thinks of that.

The coastguard said that the raft had drifted 22 miles from where the trawler went down, and that the search would otherwise have begun in the wrong place.

@highlight

Five fishermen were rescued after fourteen hours in a life raft

@highlight

Cook Tam Gilfillan sang until dawn to keep the crew awake

@highlight

The trawler Ruby Constance sank 60 miles off Skellhaven on Sunday night

@highlight

All five were flown to hospital with mild hypothermia
